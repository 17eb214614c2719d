package dev.sextant.autograd.optim;

import dev.sextant.autograd.Parameter;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Tensor;
import java.util.List;
import java.util.SequencedMap;

/** Stochastic gradient descent with momentum, optionally Nesterov's. */
public final class Sgd extends Optimizer {
  /**
   * Its constants.
   *
   * @param momentum 0 for none
   * @param nesterov whether a step looks ahead by one velocity
   * @param decay L2 decay added to the gradient
   * @param decayKernelsOnly whether batch norms and biases go without decay
   */
  public record Config(float momentum, boolean nesterov, float decay, boolean decayKernelsOnly) {}

  private final Config config;

  /**
   * An optimizer of these parameters.
   *
   * @param backend where tensors live and kernels run
   * @param parameters by path; frozen ones are passed over while they are
   * @param config its constants
   */
  public Sgd(Backend backend, SequencedMap<String, Parameter> parameters, Config config) {
    super(backend, parameters, "velocity");
    this.config = config;
  }

  @Override
  void update(List<Tensor[]> tensors, float[] decays, int[] steps, float rate) {
    backend.optimizer().sgd(tensors, rate, config.momentum, decays, config.nesterov);
  }

  @Override
  float decay(Parameter parameter) {
    return decay(parameter, config.decay, config.decayKernelsOnly);
  }
}
