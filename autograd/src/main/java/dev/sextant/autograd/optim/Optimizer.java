package dev.sextant.autograd.optim;

import dev.sextant.autograd.Parameter;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;
import java.util.TreeMap;

/**
 * Changes parameters by their gradients. Parameters without a gradient are passed over, state and
 * decay included: a candidate that no batch used stays as it was. Confined to the thread of its
 * backend.
 */
public abstract class Optimizer implements AutoCloseable {
  final Backend backend;
  private final SequencedMap<String, Parameter> parameters;
  private final Map<String, Tensor> state = new TreeMap<>();
  private final Map<String, Integer> steps = new TreeMap<>();

  Optimizer(Backend backend, SequencedMap<String, Parameter> parameters) {
    this.backend = backend;
    this.parameters = new LinkedHashMap<>(parameters);
  }

  /**
   * Updates every parameter that has a gradient and gives the gradients' memory back.
   *
   * @param rate learning rate of this step
   */
  public final void step(double rate) {
    parameters.forEach(
        (path, parameter) -> {
          Tensor gradient = parameter.gradient();
          if (gradient != null) {
            int step = steps.merge(path, 1, Integer::sum);
            update(path, parameter, gradient, (float) rate, step);
            parameter.clearGradient();
          }
        });
  }

  abstract void update(String path, Parameter parameter, Tensor gradient, float rate, int step);

  /** A tensor of the parameter's shape that starts at zero and is part of {@link #state}. */
  final Tensor slot(String path, String name, Parameter parameter) {
    return state.computeIfAbsent(path + "#" + name, key -> zeros(parameter));
  }

  private Tensor zeros(Parameter parameter) {
    Tensor zeros = backend.memory().floats(parameter.shape(), Category.OPTIMIZER, "optimizer");
    backend.fill(zeros, 0);
    return backend.memory().keep(zeros);
  }

  /** Gives back the gradients' memory without a step. */
  public final void clearGradients() {
    parameters.values().forEach(Parameter::clearGradient);
  }

  /**
   * The L2 norm of all gradients together, scaled down to {@code limit} if it is larger.
   *
   * @return the norm before scaling
   */
  public final double clipGradients(double limit) {
    double sum = 0;
    for (Parameter parameter : parameters.values()) {
      Tensor gradient = parameter.gradient();
      if (gradient != null) {
        sum += backend.dot(gradient, gradient);
      }
    }
    double norm = Math.sqrt(sum);
    if (norm > limit) {
      for (Parameter parameter : parameters.values()) {
        Tensor gradient = parameter.gradient();
        if (gradient != null) {
          backend.scale(gradient, (float) (limit / norm), gradient);
        }
      }
    }
    return norm;
  }

  /** Moments by parameter path and slot, as in {@code expand.weight#velocity}: for checkpoints. */
  public final Map<String, Tensor> state() {
    return Map.copyOf(state);
  }

  /** Steps taken so far by each parameter: for checkpoints. */
  public final Map<String, Integer> steps() {
    return Map.copyOf(steps);
  }

  /**
   * Continues from a checkpoint.
   *
   * @throws SextantException if a tensor belongs to no parameter or has another shape
   */
  public final void restore(Map<String, Tensor> savedState, Map<String, Integer> savedSteps) {
    state.values().forEach(Tensor::close);
    state.clear();
    steps.clear();
    steps.putAll(savedSteps);
    savedState.forEach(
        (key, saved) -> {
          int separator = key.lastIndexOf('#');
          Parameter parameter = parameters.get(key.substring(0, Math.max(0, separator)));
          if (parameter == null || !parameter.shape().equals(saved.shape())) {
            throw new SextantException(
                "optimizer: state %s of shape %s belongs to no parameter"
                    .formatted(key, saved.shape()));
          }
          float[] values = new float[saved.size()];
          backend.download(saved, values, 0);
          Tensor slot = zeros(parameter);
          backend.upload(values, 0, slot);
          state.put(key, slot);
        });
  }

  /** Frees the moments. Idempotent. */
  @Override
  public final void close() {
    state.values().forEach(Tensor::close);
    state.clear();
  }

  /** Weight decay for a parameter: none for norms and biases where {@code kernelsOnly}. */
  static float decay(Parameter parameter, float decay, boolean kernelsOnly) {
    return kernelsOnly && parameter.role() != Parameter.Role.KERNEL ? 0 : decay;
  }
}
