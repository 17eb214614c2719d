package dev.sextant.nas.cells;

import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.optim.Sgd;
import dev.sextant.nas.workers.Sharing;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * The gradient of the validation loss by the architecture parameters, where the weights follow the
 * training loss (DARTS, section 2.3).
 *
 * <ul>
 *   <li>First order: at the weights as they are.
 *   <li>Second order: at w' = w - rate (momentum v + ∇L_train(w) + decay w), the weights after one
 *       more SGD step, less rate times the mixed derivative of the training loss along ∇L_val(w'),
 *       which is taken as a central difference between w + R ∇ and w - R ∇, R = 0.01 / |∇|.
 * </ul>
 *
 * <p>Running statistics and weights are after a call what they were before it, bit for bit.
 */
public final class BilevelGradient {
  /** Norm of the weights' displacement in the central difference. */
  private static final double DISPLACEMENT = 0.01;

  private final CellSupernet supernet;
  private final Backend backend;
  private final SequencedMap<String, Parameter> weights;
  private final @Nullable Sharing sharing;

  /** The loss of a network on some batch. */
  public interface Loss {
    /**
     * {@return a scalar on that tape}
     *
     * @param tape of the pass
     */
    Variable on(Tape tape);
  }

  /**
   * A loss and its gradient by the architecture parameters.
   *
   * @param loss of the held-out images, in nats
   * @param gradient by the architecture parameters
   */
  public record Result(double loss, CellParameters gradient) {}

  /**
   * Gradients of a supernet.
   *
   * @param supernet whose architecture parameters the gradient is taken by
   * @param backend of the supernet
   */
  public BilevelGradient(CellSupernet supernet, Backend backend) {
    this(supernet, backend, null);
  }

  /**
   * The same with other workers, all of whom have shares of the images.
   *
   * @param supernet whose architecture parameters the gradient is taken by
   * @param backend of the supernet
   * @param sharing with the others, or null
   */
  public BilevelGradient(CellSupernet supernet, Backend backend, @Nullable Sharing sharing) {
    this.sharing = sharing;
    this.supernet = supernet;
    this.backend = backend;
    weights = supernet.parameters();
  }

  /**
   * {@return the first-order gradient of the validation loss}
   *
   * @param validation loss on held-out images
   */
  public Result firstOrder(Loss validation) {
    supernet.setFrozen(true);
    Result result = architecturePass(validation);
    supernet.setFrozen(false);
    return result;
  }

  /** One pass in which the architecture parameters get gradients, and thawed weights too. */
  private Result architecturePass(Loss loss) {
    supernet.setArchitectureStep(true);
    try (Tape tape = new Tape(backend, Tape.Mode.TRAIN_STATELESS)) {
      Variable value = loss.on(tape);
      double read = backend.elementwise().sum(value.value());
      tape.backward(value);
      return shared(new Result(read, supernet.gradients(tape)));
    } finally {
      supernet.setArchitectureStep(false);
    }
  }

  /** Of all workers' images. */
  private Result shared(Result own) {
    if (sharing == null) {
      return own;
    }
    double[] loss = {own.loss()};
    double[] gradient = own.gradient().values();
    sharing.mean(
        all -> {
          all.gradients(supernet);
          all.numbers(gradient);
          all.numbers(loss);
        });
    own.gradient().set(gradient);
    return new Result(loss[0], own.gradient());
  }

  /**
   * {@return the second-order gradient of the validation loss}
   *
   * @param training loss on training images
   * @param validation loss on held-out images
   * @param rate of the weights' next step
   * @param sgd numbers of the weights' optimizer
   * @param velocities the weights' momentum, by {@link Sgd#state} of the optimizer of all weights
   */
  public Result secondOrder(
      Loss training, Loss validation, double rate, Sgd.Config sgd, Map<String, Tensor> velocities) {
    SequencedMap<String, Tensor> saved = copies();
    try {
      weightPass(training);
      unroll((float) rate, sgd, velocities);
      Result ahead = architecturePass(validation);
      SequencedMap<String, Tensor> direction = takeGradients();
      CellParameters implicit = implicit(training, saved, direction);
      direction.values().forEach(Tensor::close);
      double[] gradient = ahead.gradient().values();
      double[] correction = implicit.values();
      for (int i = 0; i < gradient.length; i++) {
        gradient[i] -= rate * correction[i];
      }
      ahead.gradient().set(gradient);
      return ahead;
    } finally {
      weights.forEach(
          (path, weight) -> backend.elementwise().copy(saved(saved, path), weight.value()));
      saved.values().forEach(Tensor::close);
    }
  }

  private static Tensor saved(Map<String, Tensor> tensors, String path) {
    Tensor tensor = tensors.get(path);
    if (tensor == null) {
      throw new IllegalStateException(path);
    }
    return tensor;
  }

  private SequencedMap<String, Tensor> copies() {
    SequencedMap<String, Tensor> copies = new LinkedHashMap<>();
    weights.forEach(
        (path, weight) -> {
          Tensor copy =
              backend
                  .memory()
                  .keep(backend.memory().floats(weight.shape(), Category.WEIGHTS, "saved weights"));
          backend.elementwise().copy(weight.value(), copy);
          copies.put(path, copy);
        });
    return copies;
  }

  private void weightPass(Loss training) {
    try (Tape tape = new Tape(backend, Tape.Mode.TRAIN_STATELESS)) {
      tape.backward(training.on(tape));
    }
    if (sharing != null) {
      sharing.mean(all -> all.gradients(supernet));
    }
  }

  /** Moves the weights one step of SGD ahead, by their gradients, which it frees. */
  private void unroll(float rate, Sgd.Config sgd, Map<String, Tensor> velocities) {
    weights.forEach(
        (path, weight) -> {
          Tensor value = weight.value();
          boolean decays = !sgd.decayKernelsOnly() || weight.role() == Parameter.Role.KERNEL;
          if (decays) {
            backend.elementwise().scale(value, 1 - rate * sgd.decay(), value);
          }
          Tensor velocity = velocities.get(path + "#velocity");
          if (velocity != null) {
            backend.elementwise().axpy(-rate * sgd.momentum(), velocity, value);
          }
          Tensor gradient = weight.gradient();
          if (gradient != null) {
            backend.elementwise().axpy(-rate, gradient, value);
            weight.clearGradient();
          }
        });
  }

  /** Takes the gradients from the weights. */
  private SequencedMap<String, Tensor> takeGradients() {
    SequencedMap<String, Tensor> gradients = new LinkedHashMap<>();
    weights.forEach(
        (path, weight) -> {
          Tensor gradient = weight.gradient();
          if (gradient != null) {
            gradients.put(path, backend.memory().keep(gradient.share()));
            weight.clearGradient();
          }
        });
    return gradients;
  }

  /** The derivative of ∇_α L_train along a direction of the weights, times the direction's norm. */
  private CellParameters implicit(
      Loss training, Map<String, Tensor> saved, Map<String, Tensor> direction) {
    double norm = 0;
    for (Tensor part : direction.values()) {
      norm += backend.elementwise().dot(part, part);
    }
    norm = Math.sqrt(norm);
    CellParameters difference = CellParameters.zeros(supernet.architecture().space());
    if (norm == 0) {
      return difference;
    }
    float step = (float) (DISPLACEMENT / norm);
    double[] up = displaced(training, saved, direction, step);
    double[] down = displaced(training, saved, direction, -step);
    for (int i = 0; i < up.length; i++) {
      up[i] = (up[i] - down[i]) / (2 * (double) step);
    }
    difference.set(up);
    return difference;
  }

  private double[] displaced(
      Loss training, Map<String, Tensor> saved, Map<String, Tensor> direction, float step) {
    weights.forEach(
        (path, weight) -> {
          backend.elementwise().copy(saved(saved, path), weight.value());
          Tensor part = direction.get(path);
          if (part != null) {
            backend.elementwise().axpy(step, part, weight.value());
          }
        });
    return firstOrder(training).gradient().values();
  }
}
