package dev.sextant.nas.search;

import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.optim.Optimizer;
import dev.sextant.autograd.optim.RmsProp;
import dev.sextant.autograd.optim.Sgd;
import dev.sextant.nas.cells.BilevelGradient;
import dev.sextant.nas.cost.Cost;
import dev.sextant.nas.method.Recipe;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.method.SupernetKind;
import dev.sextant.nas.objective.LambdaController;
import dev.sextant.nas.objective.Objective;
import dev.sextant.nas.objective.ObjectiveRequest;
import dev.sextant.nas.policy.Policy;
import dev.sextant.nas.policy.PolicyProvider;
import dev.sextant.nas.policy.PolicyRequest;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.nas.supernet.Supernet;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Rng;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Puts together what the settings of a search in a supernet name.
 *
 * @param <S> the class of the supernet
 * @param <O> the class of the objective
 * @param recipe of {@code config}
 * @param pricing of the space's networks
 * @param cost of a sampled network
 */
record Assembly<S extends Supernet, O extends Objective>(
    SearchConfig config,
    Recipe.InSupernet<S, O> recipe,
    Backend backend,
    SearchSpace space,
    Pricing pricing,
    Cost cost) {
  /** TuNAS, Appendix E.1 (the released code has 1.0). */
  private static final float RMSPROP_EPSILON = 0.1f;

  /** The released code of Single-Path NAS. */
  private static final float SUPERKERNEL_RMSPROP_EPSILON = 1e-3f;

  private static final float RMSPROP_RHO = 0.9f;

  S supernet() {
    return recipe.supernet().supernet(space, new Initializer(backend, Rng.of(config.seed(), 11)));
  }

  /**
   * Who picks.
   *
   * @param bilevel the gradient by mixtures of the step being made
   */
  Policy policy(S supernet, Rng rng, Supplier<BilevelGradient.Result> bilevel) {
    return policy(recipe.policy(), supernet, rng, bilevel);
  }

  private <T extends Supernet, P extends Objective> Policy policy(
      PolicyProvider<T, P> provider,
      S supernet,
      Rng rng,
      Supplier<BilevelGradient.Result> bilevel) {
    ObjectiveRequest request =
        new ObjectiveRequest(
            config.budget().lambda(), config.budget().cost(), config.optionsOf(recipe.objective()));
    return provider.policy(
        new PolicyRequest<>(
            backend,
            provider.supernet().cast(supernet),
            provider.objective().cast(recipe.objectiveOf(request)),
            new SearchCosts(config, space, pricing, cost, rng),
            controller(),
            config.architecture(),
            bilevel,
            config.optionsOf(provider),
            rng));
  }

  private @Nullable LambdaController controller() {
    return config.budget().fixedLambda() || !recipe.objective().isControlled()
        ? null
        : new LambdaController(config.budget().cost());
  }

  /** Of the weights; in a search of cells without Nesterov's look ahead, as DARTS. */
  Sgd.Config sgd() {
    return new Sgd.Config(
        (float) config.descent().momentum(),
        !recipe.hasCells(),
        (float) config.descent().weightDecay(),
        false);
  }

  Optimizer optimizer(Supernet supernet) {
    return optimizer(config, recipe.supernet(), backend, supernet);
  }

  /** Of the weights of a supernet of that kind. */
  static Optimizer optimizer(
      SearchConfig config, SupernetKind<?> kind, Backend backend, Supernet supernet) {
    float momentum = (float) config.descent().momentum();
    float decay = (float) config.descent().weightDecay();
    return switch (config.weights().optimizer()) {
      case SGD ->
          new Sgd(
              backend,
              supernet.parameters(),
              new Sgd.Config(momentum, !kind.hasCells(), decay, false));
      case RMSPROP -> {
        float epsilon =
            kind == SupernetKind.SUPERKERNEL ? SUPERKERNEL_RMSPROP_EPSILON : RMSPROP_EPSILON;
        yield new RmsProp(
            backend,
            supernet.parameters(),
            new RmsProp.Config(RMSPROP_RHO, momentum, epsilon, decay, true));
      }
    };
  }
}
