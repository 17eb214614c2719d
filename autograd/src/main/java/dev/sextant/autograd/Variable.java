package dev.sextant.autograd;

import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A value on a {@link Tape}, and its gradient once {@link Tape#backward} has reached it.
 *
 * <p>A value lives until the tape is closed, or, if the code that made it says {@link #release},
 * until nothing needs it: not at all if no backward pass will read it or if its op can recompute
 * it, else until the last op that saved it has run backward. Confined to the thread of its tape.
 */
public class Variable {
  private final Shape shape;
  private final boolean requiresGradient;
  private final @Nullable Supplier<Tensor> recompute;
  private @Nullable Tensor value;
  private @Nullable Tensor gradient;
  private boolean released;
  private int saves;

  Variable(Tensor value, boolean requiresGradient, @Nullable Supplier<Tensor> recompute) {
    this.shape = value.shape();
    this.value = value;
    this.requiresGradient = requiresGradient;
    this.recompute = recompute;
  }

  /** Its extents. */
  public final Shape shape() {
    return shape;
  }

  /** Whether a backward pass computes its gradient. */
  public boolean requiresGradient() {
    return requiresGradient;
  }

  /**
   * Its value, computed anew if it was dropped and its op knows how.
   *
   * @throws IllegalStateException if it was released and cannot be recomputed
   */
  public final Tensor value() {
    if (value == null) {
      if (recompute == null) {
        throw new IllegalStateException("value of shape " + shape + " was released");
      }
      value = recompute.get();
    }
    return value;
  }

  /**
   * Says that the code holding this variable will not read its value again. The backward pass still
   * can. Idempotent.
   */
  public void release() {
    released = true;
    if (saves == 0 || recompute != null) {
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

  /** Closes the value; parameters override nothing and are never released by the tape. */
  final void drop() {
    if (value != null) {
      value.close();
      value = null;
    }
  }

  /**
   * The gradient, or null where no backward pass has reached it.
   *
   * @throws SextantException if the variable does not require one
   */
  public final @Nullable Tensor gradient() {
    return gradient;
  }

  final void setGradient(@Nullable Tensor gradient) {
    this.gradient = gradient;
  }
}
