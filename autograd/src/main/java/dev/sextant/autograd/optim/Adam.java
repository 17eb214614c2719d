package dev.sextant.autograd.optim;

import dev.sextant.autograd.Parameter;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Tensor;
import java.util.List;
import java.util.SequencedMap;

/** Adam (Kingma and Ba, 2015), with L2 decay added to the gradient. */
public final class Adam extends Optimizer {
  /**
   * Its constants.
   *
   * @param beta1 decay of the running mean of gradients
   * @param beta2 decay of the running mean of their squares
   * @param epsilon keeps the division from 0
   * @param decay L2 decay added to the gradient
   * @param decayKernelsOnly whether batch norms and biases go without decay
   */
  public record Config(
      float beta1, float beta2, float epsilon, float decay, boolean decayKernelsOnly) {}

  private final Config config;

  /**
   * An optimizer of these parameters.
   *
   * @param backend where tensors live and kernels run
   * @param parameters by path; frozen ones are passed over while they are
   * @param config its constants
   */
  public Adam(Backend backend, SequencedMap<String, Parameter> parameters, Config config) {
    super(backend, parameters, "mean", "square");
    this.config = config;
  }

  @Override
  void update(List<Tensor[]> tensors, float[] decays, int[] steps, float rate) {
    backend
        .optimizer()
        .adam(tensors, rate, config.beta1, config.beta2, config.epsilon, decays, steps);
  }

  @Override
  float decay(Parameter parameter) {
    return decay(parameter, config.decay, config.decayKernelsOnly);
  }
}
