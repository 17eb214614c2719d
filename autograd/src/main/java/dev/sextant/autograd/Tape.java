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
import java.util.function.Supplier;
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

    /** Whether batch norm normalises by the batch, and dropout drops. */
    public boolean usesBatchStatistics() {
      return this != EVAL;
    }

    /** Whether batch norm updates its running statistics. */
    public boolean updatesStatistics() {
      return this == TRAIN;
    }
  }

  private record Node(Variable output, Variable[] saved, Consumer<Tensor> backward) {}

  private final Backend backend;
  private final Mode mode;
  private final boolean recording;
  private final Memory.Scope scope;
  private final List<Node> nodes = new ArrayList<>();
  private final List<Tensor> adopted = new ArrayList<>();
  private boolean closed;

  /** A tape whose values live in the backend's memory. */
  public Tape(Backend backend, Mode mode) {
    this(backend, mode, mode != Mode.EVAL);
  }

  private Tape(Backend backend, Mode mode, boolean recording) {
    this.backend = backend;
    this.mode = mode;
    this.recording = recording;
    this.scope = backend.memory().scope();
  }

  /** A tape inside this one, of the same mode, that records nothing: values without gradients. */
  public Tape unrecorded() {
    return new Tape(backend, mode, false);
  }

  /**
   * A tape inside this one that records nothing and leaves running statistics alone: the second
   * pass over something, or a look at a candidate that is not active.
   */
  public Tape probe() {
    return new Tape(backend, mode == Mode.EVAL ? Mode.EVAL : Mode.TRAIN_STATELESS, false);
  }

  /** Moves a tensor made on this tape to the scope around it, so that it outlives the tape. */
  public Tensor yield(Tensor tensor) {
    return scope.yield(tensor);
  }

  /** Where its ops run. */
  public Backend backend() {
    return backend;
  }

  /** What this pass is for. */
  public Mode mode() {
    return mode;
  }

  /**
   * A tensor to hold the output of an op; its content is undefined.
   *
   * @throws IllegalStateException if the tape was closed
   */
  public Tensor output(Shape shape, String label) {
    checkOpen();
    return backend.memory().floats(shape, Category.ACTIVATIONS, label);
  }

  /** A tensor to hold the gradient of an activation; its content is undefined. */
  public Tensor gradientLike(Variable variable, String label) {
    return backend
        .memory()
        .floats(
            variable.shape(),
            variable instanceof Parameter ? Category.GRADIENTS : Category.ACTIVATIONS,
            label);
  }

  /**
   * Where an op may write a gradient of the incoming one's shape: another handle to the incoming
   * gradient's own storage if nothing else reads that, else a new tensor with undefined content.
   * For kernels whose output may be their input.
   */
  public Tensor overwrite(Tensor incoming, String label) {
    return incoming.isShared() ? output(incoming.shape(), label) : incoming.share();
  }

  /**
   * A value without a gradient. The caller keeps the tensor's ownership.
   *
   * @throws SextantException if the tensor is in another backend's memory
   */
  public Variable constant(Tensor value) {
    return enter("constant", value, false);
  }

  /**
   * A value whose gradient the backward pass computes. The caller keeps the tensor's ownership.
   *
   * @throws SextantException if the tensor is in another backend's memory
   */
  public Variable leaf(Tensor value) {
    return enter("leaf", value, true);
  }

  private Variable enter(String name, Tensor value, boolean requiresGradient) {
    checkOpen();
    checkMemory(name, value.memory(), value.shape());
    return new Variable(name, value.share(), requiresGradient, this, null);
  }

  /** Whether an op with these inputs will be run backward. */
  public boolean records(Variable... inputs) {
    if (recording) {
      for (Variable input : inputs) {
        if (input.requiresGradient()) {
          return true;
        }
      }
    }
    return false;
  }

  /**
   * Puts an op on the tape.
   *
   * @param op name for messages
   * @param output its value, owned by the tape from now on
   * @param inputs what it depends on; if none requires a gradient, nothing is recorded
   * @param saved variables whose values {@code backward} reads; any other may be gone by then
   * @param backward gets the output's gradient (not to be kept or closed, and to be written only
   *     through {@link #overwrite}) and calls {@link #accumulate} for the inputs that require one
   * @throws SextantException if an input is in another backend's memory or was already run backward
   */
  public Variable record(
      String op, Tensor output, Variable[] inputs, Variable[] saved, Consumer<Tensor> backward) {
    return record(op, output, inputs, saved, null, backward);
  }

  /**
   * As {@link #record(String, Tensor, Variable[], Variable[], Consumer)}, for an op so cheap that
   * its output is better computed twice than kept: once released, the output is dropped, and {@code
   * recompute} makes it again from the saved variables when the backward pass asks.
   */
  public Variable record(
      String op,
      Tensor output,
      Variable[] inputs,
      Variable[] saved,
      @Nullable Supplier<Tensor> recompute,
      Consumer<Tensor> backward) {
    for (Variable input : inputs) {
      checkMemory(op, input.memory(), input.shape());
    }
    if (!records(inputs)) {
      return new Variable(op, output, false, this, null);
    }
    for (Variable input : inputs) {
      if (input.isConsumed()) {
        throw new SextantException(
            op + ": its input " + input + " was already run backward; run the pass again instead");
      }
    }
    Variable variable = new Variable(op, output, true, this, recompute);
    for (Variable input : saved) {
      input.save();
    }
    nodes.add(new Node(variable, saved, backward));
    return variable;
  }

  private void checkMemory(String op, Memory memory, Shape shape) {
    if (memory != backend.memory()) {
      throw new SextantException(
          "%s: input %s is not in the memory of the tape's backend (%s)"
              .formatted(op, shape, backend.device()));
    }
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("the tape was closed");
    }
  }

  /**
   * Adds to a variable's gradient.
   *
   * @param gradient owned by the tape from now on; may become the variable's gradient as it is
   * @throws SextantException if it does not have the variable's shape
   */
  public void accumulate(Variable variable, Tensor gradient) {
    if (!variable.requiresGradient()) {
      gradient.close();
      return;
    }
    if (!gradient.shape().equals(variable.shape())) {
      throw new SextantException(
          "backward: gradient %s for %s".formatted(gradient.shape(), variable));
    }
    Tensor held = variable.gradient();
    if (held == null) {
      variable.setGradient(place(variable, gradient));
    } else if (!held.isShared()) {
      backend.axpy(1, gradient, held);
      gradient.close();
    } else {
      Tensor sum = gradient.isShared() ? gradientLike(variable, "gradient") : gradient;
      backend.add(held, gradient, sum);
      if (sum != gradient) {
        gradient.close();
      }
      held.close();
      variable.setGradient(place(variable, sum));
    }
  }

  /** Gives a gradient the lifetime of its variable. */
  private Tensor place(Variable variable, Tensor gradient) {
    if (variable instanceof Parameter) {
      Tensor own = gradient;
      if (gradient.isShared()) {
        // Clipping and optimizers write to it, and it is counted among the gradients.
        own = gradientLike(variable, "gradient");
        backend.copy(gradient, own);
        gradient.close();
      }
      return backend.memory().keep(own);
    }
    Tape owner = variable.tape();
    return owner == null || owner == this ? gradient : owner.adopt(gradient);
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
   * @throws SextantException if {@code loss} has more than one element, depends on nothing that
   *     requires a gradient (on an {@link Mode#EVAL} tape nothing is recorded), or was already run
   *     backward
   */
  public void backward(Variable loss) {
    if (loss.shape().size() != 1) {
      throw new SextantException("backward: needs a scalar, got " + loss);
    }
    Tensor one = output(loss.shape(), "backward.one");
    backend.fill(one, 1);
    backward(loss, one);
  }

  /**
   * Computes gradients from that of an output, which may have any shape.
   *
   * @param gradient owned by the tape from now on, and overwritten
   * @throws SextantException as {@link #backward(Variable)}, or if the gradient does not have the
   *     output's shape
   */
  public void backward(Variable output, Tensor gradient) {
    if (!output.requiresGradient()) {
      throw new SextantException(
          "backward: %s depends on nothing that requires a gradient%s"
              .formatted(output, recording ? "" : " (this tape records nothing)"));
    }
    if (output.isConsumed()) {
      throw new SextantException("backward: " + output + " was already run backward");
    }
    accumulate(output, gradient);
    for (int i = nodes.size() - 1; i >= 0; i--) {
      Node node = nodes.get(i);
      Tensor incoming = node.output.gradient();
      if (incoming != null) {
        node.backward.accept(incoming);
        incoming.close();
        node.output.setGradient(null);
      }
      node.output.consume();
      for (Variable input : node.saved) {
        input.unsave();
      }
    }
    nodes.clear();
  }

  /** Frees every value and gradient but the parameters'. Idempotent; inner tapes close first. */
  @Override
  public void close() {
    scope.close();
    closed = true;
    nodes.clear();
    adopted.forEach(Tensor::close);
    adopted.clear();
  }
}
