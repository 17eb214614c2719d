package dev.sextant.autograd;

import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Records the ops of one step and runs them backward.
 *
 * <p>A tape owns a memory scope: closing it frees every value and gradient but those of {@link
 * Parameter}s. Tapes nest, innermost closed first, which is how a pass is recomputed inside another
 * one; while an inner one is open, ops go on that one. Confined to one thread.
 *
 * <pre>{@code
 * try (Tape tape = new Tape(backend, Tape.Mode.TRAIN)) {
 *   Variable loss = SoftmaxCrossEntropy.apply(tape, net.forward(tape, tape.constant(x)), labels, 0.1f);
 *   tape.backward(loss);
 *   optimizer.step(rate);
 * }
 * }</pre>
 */
public final class Tape implements AutoCloseable {
  /** What a pass is for. */
  public enum Mode {
    /** Batch norm uses the batch's statistics and updates the running ones. */
    TRAIN,
    /** As {@link #TRAIN}, but running statistics stay: architecture steps, second passes. */
    TRAIN_STATELESS,
    /** Batch norm uses the running statistics; nothing is recorded. */
    EVAL;

    /** {@return whether batch norm normalises by the batch, and dropout drops} */
    public boolean usesBatchStatistics() {
      return this != EVAL;
    }

    /** {@return whether batch norm updates its running statistics} */
    public boolean updatesStatistics() {
      return this == TRAIN;
    }
  }

  private final Backend backend;
  private Mode mode = Mode.EVAL;
  private boolean recording;
  private Memory.@Nullable Scope scope;
  private boolean open;

  /** Recorded ops in order, and how many of them, from the first, were run backward. */
  private final List<Op> ops = new ArrayList<>();

  private int passed;
  private final List<Tensor> adopted = new ArrayList<>();

  /** Every variable ever made here; those from {@code variableCount} on are not in use. */
  private final List<Variable> variables = new ArrayList<>();

  private int variableCount;

  private final SpareOps spare = new SpareOps();

  private @Nullable Tape inner;

  /**
   * A tape whose values live in the backend's memory; to be opened by {@link #open}.
   *
   * @param backend the backend of all its values
   */
  public Tape(Backend backend) {
    this.backend = backend;
  }

  /**
   * An open tape, for one pass.
   *
   * @param backend the backend of all its values
   * @param mode what the pass is for
   */
  public Tape(Backend backend, Mode mode) {
    this(backend);
    begin(mode, mode != Mode.EVAL);
  }

  /**
   * Starts a pass on a closed tape. What earlier passes left behind, variables, ops and inner
   * tapes, is used again, so that a loop that opens one tape for each step allocates nothing.
   *
   * @param passMode what the pass is for
   * @return this
   * @throws IllegalStateException if it is open
   */
  public Tape open(Mode passMode) {
    return begin(passMode, passMode != Mode.EVAL);
  }

  private Tape begin(Mode passMode, boolean records) {
    if (open) {
      throw new IllegalStateException("the tape is open");
    }
    mode = passMode;
    recording = records;
    scope = scope == null ? backend.memory().scope() : scope.open();
    open = true;
    return this;
  }

  /**
   * A tape inside this one, of the same mode, that records nothing: values without gradients.
   *
   * @return an open tape; closed by the caller before this one
   */
  public Tape unrecorded() {
    return inner(mode, false);
  }

  /**
   * {@return a tape inside this one that records nothing and leaves running statistics alone: the
   * second pass over something, or a look at a candidate that is not active}
   */
  public Tape probe() {
    return inner(mode == Mode.EVAL ? Mode.EVAL : Mode.TRAIN_STATELESS, false);
  }

  /**
   * {@return a tape inside this one that records, to be run backward on its own, and leaves running
   * statistics alone: the second pass over something whose inside was not recorded}
   */
  public Tape again() {
    return inner(Mode.TRAIN_STATELESS, true);
  }

  /**
   * {@return a tape inside this one that records nothing and has the running statistics, whatever
   * this one has: for layers that are not trained}
   */
  public Tape evaluation() {
    return inner(Mode.EVAL, false);
  }

  private Tape inner(Mode passMode, boolean records) {
    Tape outer = this;
    while (outer.inner != null) {
      if (!outer.inner.open) {
        return outer.inner.begin(passMode, records);
      }
      outer = outer.inner;
    }
    outer.inner = new Tape(backend);
    return outer.inner.begin(passMode, records);
  }

  /**
   * Moves a tensor made on this tape to the scope around it, so that it outlives the tape.
   *
   * @param tensor made on this tape
   * @return the same tensor
   */
  public Tensor yield(Tensor tensor) {
    Memory.Scope own = scope;
    if (own == null) {
      throw new IllegalStateException("the tape was never opened");
    }
    return own.yield(tensor);
  }

  /** {@return where its ops run} */
  public Backend backend() {
    return backend;
  }

  /** {@return what this pass is for} */
  public Mode mode() {
    return mode;
  }

  /**
   * {@return a tensor to hold the output of an op; its content is undefined}
   *
   * @param shape of the tensor
   * @param label who holds it, for the list shown when memory runs out
   * @throws IllegalStateException if the tape was closed
   */
  public Tensor output(Shape shape, String label) {
    checkOpen();
    return backend.memory().floats(shape, Category.ACTIVATIONS, label);
  }

  /**
   * {@return a tensor to hold the gradient of an activation; its content is undefined}
   *
   * @param variable on this tape
   * @param label who holds it, for the list shown when memory runs out
   */
  public Tensor gradientLike(Variable variable, String label) {
    return backend
        .memory()
        .floats(
            variable.shape(),
            variable instanceof Parameter ? Category.GRADIENTS : Category.ACTIVATIONS,
            label);
  }

  /**
   * {@return where an op may write a gradient of the incoming one's shape: another handle to the
   * incoming gradient's own storage if nothing else reads that, else a new tensor with undefined
   * content} For kernels whose output may be their input.
   *
   * @param incoming the gradient given to {@link Op#backward}
   * @param label who holds it, for the list shown when memory runs out
   */
  public Tensor overwrite(Tensor incoming, String label) {
    return incoming.isShared() ? output(incoming.shape(), label) : incoming.share();
  }

  /**
   * {@return a value without a gradient} The caller keeps the tensor's ownership.
   *
   * @param value in the backend's memory; open until the tape is closed
   * @throws SextantException if the tensor is in another backend's memory
   */
  public Variable constant(Tensor value) {
    return enter("constant", value, false);
  }

  /**
   * {@return a value whose gradient the backward pass computes} The caller keeps the tensor's
   * ownership.
   *
   * @param value in the backend's memory; open until the tape is closed
   * @throws SextantException if the tensor is in another backend's memory
   */
  public Variable leaf(Tensor value) {
    return enter("leaf", value, true);
  }

  private Variable enter(String name, Tensor value, boolean requiresGradient) {
    checkOpen();
    checkMemory(name, value.memory(), value.shape());
    return variable(name, value.share(), requiresGradient);
  }

  private Variable variable(String name, Tensor value, boolean requiresGradient) {
    Variable variable;
    if (variableCount == variables.size()) {
      variable = new Variable(name, value, requiresGradient, this);
      variables.add(variable);
    } else {
      variable = variables.get(variableCount);
      variable.reuse(name, value, requiresGradient);
    }
    variableCount++;
    return variable;
  }

  /**
   * {@return whether an op with this input will be run backward}
   *
   * @param input on this tape
   */
  public boolean records(Variable input) {
    return recording && input.requiresGradient();
  }

  /**
   * {@return an op to fill in and {@link #record(Op, Tensor) record}}
   *
   * @param <T> its class
   * @param kind the op's class
   */
  public <T extends Op> T op(Op.Kind<T> kind) {
    return spare.take(kind);
  }

  /**
   * Gives back an op that is not going to be recorded.
   *
   * @param op from {@link #op}; not to be used any more
   */
  public void discard(Op op) {
    spare.putBack(op);
  }

  /**
   * Puts an op on the tape, if one of its inputs requires a gradient.
   *
   * @param op from {@link #op}, with its inputs and what it saves; the tape's from now on
   * @param output its value, owned by the tape from now on
   * @return the output's variable; the caller releases it
   * @throws SextantException if an input is in another backend's memory or was already run backward
   */
  public Variable record(Op op, Tensor output) {
    checkOpen();
    boolean records = false;
    for (int i = 0; i < op.inputCount(); i++) {
      Variable input = op.getInput(i);
      checkMemory(op.name(), input.memory(), input.shape());
      records |= records(input);
    }
    Variable variable = variable(op.name(), output, records);
    if (!records) {
      spare.putBack(op);
      return variable;
    }
    for (int i = 0; i < op.inputCount(); i++) {
      Variable input = op.getInput(i);
      if (input.isConsumed()) {
        throw new SextantException(
            op.name()
                + ": its input "
                + input
                + " was already run backward; run the pass again instead");
      }
    }
    op.record(variable);
    variable.setOp(op);
    ops.add(op);
    return variable;
  }

  /**
   * Puts an op on the tape that is written as a function, for those that need not be frugal: each
   * use allocates it.
   *
   * @param op name for messages
   * @param output its value, owned by the tape from now on
   * @param inputs what it depends on; if none requires a gradient, nothing is recorded
   * @param saved variables whose values {@code backward} reads; any other may be gone by then
   * @param backward as {@link Op#backward}
   * @return the output's variable; the caller releases it
   * @throws SextantException as {@link #record(Op, Tensor)}
   */
  public Variable record(
      String op, Tensor output, Variable[] inputs, Variable[] saved, Consumer<Tensor> backward) {
    FunctionOp function = op(FunctionOp.KIND);
    function.set(op, inputs, saved, backward);
    return record(function, output);
  }

  private void checkMemory(String op, Memory memory, Shape shape) {
    if (memory != backend.memory()) {
      String owner = " is not in the memory of the tape's backend (" + backend.device() + ")";
      throw new SextantException(op + ": input " + shape + owner);
    }
  }

  private void checkOpen() {
    if (!open) {
      throw new IllegalStateException("the tape was closed");
    }
  }

  /**
   * Adds to a variable's gradient.
   *
   * @param variable on this tape
   * @param gradient owned by the tape from now on; may become the variable's gradient as it is
   * @throws SextantException if it does not have the variable's shape
   */
  public void accumulate(Variable variable, Tensor gradient) {
    if (!variable.requiresGradient()) {
      gradient.close();
      return;
    }
    if (!gradient.shape().equals(variable.shape())) {
      throw new SextantException("backward: gradient " + gradient.shape() + " for " + variable);
    }
    GradientSum.add(this, variable, gradient);
  }

  /** Makes a tensor live as long as this tape, though the scope it was made in may close before. */
  Tensor adopt(Tensor tensor) {
    checkOpen();
    adopted.add(backend.memory().keep(tensor));
    return tensor;
  }

  /**
   * Computes the gradient of a scalar with respect to everything recorded that it depends on.
   * Consumes the tape: each op's values are freed as it is passed.
   *
   * @param loss a scalar on this tape
   * @throws SextantException if {@code loss} has more than one element, depends on nothing that
   *     requires a gradient (on an {@link Mode#EVAL} tape nothing is recorded), or was already run
   *     backward
   */
  public void backward(Variable loss) {
    if (loss.shape().size() != 1) {
      throw new SextantException("backward: needs a scalar, got " + loss);
    }
    Tensor one = output(loss.shape(), "backward.one");
    backend.elementwise().fill(one, 1);
    backward(loss, one);
  }

  /**
   * Computes gradients from that of an output, which may have any shape.
   *
   * @param output on this tape
   * @param gradient owned by the tape from now on, and overwritten
   * @throws SextantException as {@link #backward(Variable)}, or if the gradient does not have the
   *     output's shape
   */
  public void backward(Variable output, Tensor gradient) {
    if (!output.requiresGradient()) {
      throw new SextantException(
          "backward: "
              + output
              + " depends on nothing that requires a gradient"
              + (recording ? "" : " (this tape records nothing)"));
    }
    if (output.isConsumed()) {
      throw new SextantException("backward: " + output + " was already run backward");
    }
    accumulate(output, gradient);
    for (int i = ops.size() - 1; i >= passed; i--) {
      ops.get(i).runBackward(this);
    }
    passed = ops.size();
  }

  /** Frees every value and gradient but the parameters'. Idempotent; inner tapes close first. */
  @Override
  public void close() {
    if (!open || scope == null) {
      return;
    }
    scope.close();
    open = false;
    for (int i = 0; i < adopted.size(); i++) {
      adopted.get(i).close();
    }
    adopted.clear();
    for (int i = 0; i < ops.size(); i++) {
      spare.putBack(ops.get(i));
    }
    ops.clear();
    passed = 0;
    for (int i = 0; i < variableCount; i++) {
      variables.get(i).end();
    }
    variableCount = 0;
  }
}
