package dev.sextant.autograd.optim;

import dev.sextant.autograd.Parameter;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Tensor;
import java.util.List;
import java.util.SequencedMap;

/** RMSProp with momentum, epsilon inside the root as TensorFlow has it. */
public final class RmsProp extends Optimizer {
  /**
   * Its constants.
   *
   * @param rho decay of the running square
   * @param momentum factor of the velocity; 0 for none
   * @param epsilon keeps the division from 0
   * @param decay L2 decay added to the gradient
   * @param decayKernelsOnly whether batch norms and biases go without decay
   */
  public record Config(
      float rho, float momentum, float epsilon, float decay, boolean decayKernelsOnly) {}

  private final Config config;

  /**
   * An optimizer of these parameters.
   *
   * @param backend where tensors live and kernels run
   * @param parameters by path; frozen ones are passed over while they are
   * @param config its constants
   */
  public RmsProp(Backend backend, SequencedMap<String, Parameter> parameters, Config config) {
    super(backend, parameters, "square", "velocity");
    this.config = config;
  }

  @Override
  void update(List<Tensor[]> tensors, float[] decays, int[] steps, float rate) {
    backend.optimizer().rmsProp(tensors, rate, config.rho, config.momentum, config.epsilon, decays);
  }

  @Override
  float decay(Parameter parameter) {
    return decay(parameter, config.decay, config.decayKernelsOnly);
  }
}
