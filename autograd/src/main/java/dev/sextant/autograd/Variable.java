package dev.sextant.autograd;

import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A value on a {@link Tape}, and its gradient once {@link Tape#backward} has reached it.
 *
 * <p>A value lives until the tape is closed, or, if the code that made it says {@link #release},
 * until nothing needs it: not at all if no backward pass will read it or if its op can recompute
 * it, else until the last op that saved it has run backward. The tape uses its variables again once
 * it is opened anew: hold on to none that long. Confined to the thread of its tape.
 */
public class Variable {
  private String name;
  private Shape shape;
  private Memory memory;
  private boolean requiresGradient;
  private final @Nullable Tape tape;
  private @Nullable Op op;
  private @Nullable Tensor value;
  private @Nullable Tensor gradient;
  private boolean released;
  private boolean consumed;
  private int saves;

  /**
   * A value of a tape, or of none if it outlives them.
   *
   * @param name of the op that made it, for messages
   */
  Variable(String name, Tensor value, boolean requiresGradient, @Nullable Tape tape) {
    this.name = name;
    this.shape = value.shape();
    this.memory = value.memory();
    this.value = value;
    this.requiresGradient = requiresGradient;
    this.tape = tape;
  }

  /** Makes it another value of its tape. */
  final void reuse(String newName, Tensor newValue, boolean newRequiresGradient) {
    name = newName;
    shape = newValue.shape();
    memory = newValue.memory();
    value = newValue;
    requiresGradient = newRequiresGradient;
    released = false;
    consumed = false;
    saves = 0;
  }

  /** Its tape was closed: reading it is an error from now on. */
  final void end() {
    op = null;
    value = null;
    gradient = null;
  }

  /** The recorded op that made it. */
  final void setOp(Op op) {
    this.op = op;
  }

  /** {@return its extents; known even when the value was released} */
  public final Shape shape() {
    return shape;
  }

  /** {@return whether a backward pass computes its gradient} */
  public boolean requiresGradient() {
    return requiresGradient;
  }

  /**
   * {@return its value, computed anew if it was dropped and its op knows how} The variable goes on
   * owning the tensor: it is not to be closed or written.
   *
   * @throws IllegalStateException if it was released and cannot be recomputed
   */
  public final Tensor value() {
    if (value == null) {
      if (op == null || tape == null || !op.recomputes()) {
        throw new IllegalStateException("read after its release: " + this);
      }
      // Asked for inside an inner tape it must not die with that one.
      value = tape.adopt(op.recompute(tape));
    }
    return value;
  }

  /**
   * Says that the code holding this variable will not read its value again. The backward pass still
   * can. Idempotent.
   */
  public void release() {
    released = true;
    if (saves == 0 || op != null && op.recomputes()) {
      drop();
    }
  }

  /** An op's backward pass will read the value. */
  final void save() {
    saves++;
  }

  /** An op that saved the value has run backward. */
  final void unsave() {
    saves--;
    if (released && saves == 0) {
      drop();
    }
  }

  private void drop() {
    if (value != null) {
      value.close();
      value = null;
    }
  }

  /** The op that made it has run backward: a gradient that came now would go nowhere. */
  final void consume() {
    consumed = true;
  }

  final boolean isConsumed() {
    return consumed;
  }

  final Memory memory() {
    return memory;
  }

  /** The tape whose closing ends it; null for a {@link Parameter}. */
  final @Nullable Tape tape() {
    return tape;
  }

  /**
   * {@return the gradient of a leaf or a parameter, or null where no backward pass has reached it}
   * Those of values between leaf and loss are freed as the pass goes by.
   */
  public final @Nullable Tensor gradient() {
    return gradient;
  }

  final void setGradient(@Nullable Tensor gradient) {
    this.gradient = gradient;
  }

  /** The op that made it and its shape, as in {@code conv2d [8,32,32,96]}. */
  @Override
  public final String toString() {
    return name + " " + shape;
  }
}
