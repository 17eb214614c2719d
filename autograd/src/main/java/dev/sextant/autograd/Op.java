package dev.sextant.autograd;

import dev.sextant.tensor.Tensor;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One application of an op on a {@link Tape}: what it depends on, what its backward pass reads, and
 * that pass. A subclass keeps what else it needs in fields; the tape uses its objects again, so a
 * step allocates none. The whole of an op:
 *
 * <pre>{@code
 * @SuppressWarnings("NullAway.Init") // fields are set before the op is recorded
 * public final class Square extends Op {
 *   private static final Kind<Square> KIND = new Kind<>("square", Square::new);
 *
 *   private Variable x;
 *
 *   private Square() {}
 *
 *   public static Variable apply(Tape tape, Variable x) {
 *     Tensor y = tape.output(x.shape(), "square");
 *     tape.backend().elementwise().multiply(x.value(), x.value(), y);
 *     Square op = tape.op(KIND);
 *     op.x = op.input(op.save(x));
 *     return tape.record(op, y);
 *   }
 *
 *   protected void backward(Tape tape, Tensor dy) {
 *     Tensor dx = tape.gradientLike(x, "square.gradient");
 *     tape.backend().elementwise().multiply(dy, x.value(), dx);
 *     tape.backend().elementwise().scale(dx, 2, dx);
 *     tape.accumulate(x, dx);
 *   }
 * }
 * }</pre>
 */
public abstract class Op {
  /**
   * The objects of one class of ops: a static constant of that class.
   *
   * @param <T> the class
   */
  public static final class Kind<T extends Op> {
    private static final AtomicInteger COUNT = new AtomicInteger();

    private final int number = COUNT.getAndIncrement();
    private final String name;
    private final Supplier<T> constructor;

    /**
     * Ops of that name, which messages use.
     *
     * @param name as messages and memory accounts show it
     * @param constructor makes an op with no fields set
     */
    public Kind(String name, Supplier<T> constructor) {
      this.name = name;
      this.constructor = constructor;
    }

    T make() {
      T op = constructor.get();
      ((Op) op).kind = this;
      return op;
    }

    int number() {
      return number;
    }
  }

  private static final Variable[] NONE = {};

  private @Nullable Kind<?> kind;
  private @Nullable Variable output;
  private Variable[] inputs = NONE;
  private int inputCount;
  private Variable[] saved = NONE;
  private int savedCount;

  /** The next of the tape's unused ops of this kind. */
  @Nullable Op next;

  /** For the constructor of a {@link Kind}. */
  protected Op() {}

  /**
   * Says that the output depends on a variable.
   *
   * @param variable an input or an output of this op
   * @return the same variable
   */
  public final Variable input(Variable variable) {
    if (inputCount == inputs.length) {
      inputs = Arrays.copyOf(inputs, inputCount + 4);
    }
    inputs[inputCount++] = variable;
    return variable;
  }

  /**
   * Says that {@link #backward} or {@link #recompute} reads a variable's value, which any other may
   * have lost by then.
   *
   * @param variable an input or an output of this op
   * @return the same variable
   */
  public final Variable save(Variable variable) {
    if (savedCount == saved.length) {
      saved = Arrays.copyOf(saved, savedCount + 4);
    }
    saved[savedCount++] = variable;
    return variable;
  }

  /**
   * Computes the gradients of the inputs that require one and {@link Tape#accumulate}s them.
   *
   * @param tape the one the op is recorded on
   * @param dy the output's gradient; not to be kept or closed, and to be written only through
   *     {@link Tape#overwrite}
   */
  protected abstract void backward(Tape tape, Tensor dy);

  /**
   * {@return whether the output is so cheap that it is better computed twice than kept: once
   * released it is dropped, and {@link #recompute} makes it again when the backward pass asks} No,
   * unless overridden.
   */
  protected boolean recomputes() {
    return false;
  }

  /**
   * {@return the output again, from the saved variables}
   *
   * @param tape the one the op is recorded on
   */
  protected Tensor recompute(Tape tape) {
    throw new IllegalStateException(name() + " cannot be recomputed");
  }

  /** Its kind's name. */
  String name() {
    return kind().name;
  }

  final Kind<?> kind() {
    Kind<?> known = kind;
    if (known == null) {
      throw new IllegalStateException("an op comes from Tape.op");
    }
    return known;
  }

  final int inputCount() {
    return inputCount;
  }

  final Variable getInput(int i) {
    return inputs[i];
  }

  /** Puts it behind a variable, and holds on to what it saved. */
  final void record(Variable of) {
    output = of;
    for (int i = 0; i < savedCount; i++) {
      saved[i].save();
    }
  }

  /** Runs it backward if its output has a gradient, and lets go of what it saved. */
  final void runBackward(Tape tape) {
    Variable of = output;
    if (of == null) {
      throw new IllegalStateException("not recorded: " + name());
    }
    Tensor incoming = of.gradient();
    if (incoming != null) {
      backward(tape, incoming);
      incoming.close();
      of.setGradient(null);
    }
    of.consume();
    for (int i = 0; i < savedCount; i++) {
      saved[i].unsave();
    }
  }

  /** Forgets its application. */
  final void clear() {
    output = null;
    inputCount = 0;
    savedCount = 0;
  }
}
