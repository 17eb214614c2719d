package dev.sextant.cli.options;

import dev.sextant.nas.cost.CostProvider;
import dev.sextant.nas.cost.Costs;
import dev.sextant.nas.method.Method;
import dev.sextant.nas.method.Methods;
import dev.sextant.nas.method.Recipe;
import dev.sextant.nas.method.Shrinking;
import dev.sextant.nas.method.SupernetKind;
import dev.sextant.nas.objective.Objectives;
import dev.sextant.nas.policy.Policies;
import dev.sextant.nas.prior.Priors;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.tensor.SextantException;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that say what a search is made of: a method, and what replaces its parts. */
public final class RecipeOptions {
  /** What reports call the parts that random search does not have. */
  private static final Set<String> OF_RANDOM = Set.of("none", "uniform", "accuracy");

  @Option(
      names = "--method",
      defaultValue = "proxyless-g",
      description =
          "a preset of the next five: front (scores in a fairly trained supernet), proxyless-g or"
              + " proxyless-r (ProxylessNAS, gradient or REINFORCE form), tunas, single-path,"
              + " la-darts or la-pc-darts (Latency-Aware DARTS), random, prior (the best of random"
              + " networks by a training-free score), or one from outside"
              + " (`sextant describe --methods`); default: ${DEFAULT-VALUE}")
  private String method = "";

  @Option(
      names = "--supernet",
      description =
          "how candidates hold weights: multi-path (each its own), collapsed (shared), superkernel"
              + " (inside the largest), cells (mixtures on edges) or partial-cells (the same on a"
              + " part of the channels)")
  private @Nullable String supernet;

  @Option(
      names = "--policy",
      description =
          "who picks: gates, reinforce, gates-reinforce (both gradients), controller (TuNAS's"
              + " REINFORCE with warm-ups), thresholds (of a superkernel's parts), darts (gradient"
              + " through mixtures), or one from outside; cells take darts, reinforce or"
              + " controller")
  private @Nullable String policy;

  @Option(
      names = "--prior",
      description =
          "the training-free score: of --method front, beside the held-out loss, default jacobian"
              + " (how little the gradients of different images correlate); of --method prior, by"
              + " which networks are compared, default macs; depth, parameters, none, or one from"
              + " outside")
  private @Nullable String prior;

  @Option(
      names = "--cost",
      description =
          "latency (table of layers), linear (model of one space, --table FILE.csv), macs,"
              + " parameters, measured (latency of each sampled network), predicted (latency of"
              + " cells by a trained predictor), or one from outside")
  private @Nullable String cost;

  @Option(
      names = "--objective",
      description =
          "losses add-linear: CE + lambda (E/T - 1); additive: CE + lambda E/T; add-log: CE +"
              + " lambda ln E; mul-log: CE (ln E / ln T)^lambda; rewards absolute: Q + lambda |E/T"
              + " - 1|, for gates, thresholds and darts with -CE as Q; soft: Q (E/T)^lambda; hard:"
              + " Q min((E/T)^lambda, 1); or one from outside")
  private @Nullable String objective;

  /** {@return the method, whose numbers stand where no others are given} */
  public Method method() {
    return Methods.ALL.named(method);
  }

  /** {@return the name of the space for the supernet} */
  public String space() {
    return supernet == null
        ? method().space()
        : SupernetKind.named(part("supernet", supernet)).space();
  }

  /**
   * {@return the method's parts, but for those that were given}
   *
   * @param space the space to search
   * @throws SextantException if one is none there is, or they do not go together
   */
  public Recipe recipe(SearchSpace space) {
    Recipe preset = method().recipe(space);
    CostProvider chosen = cost == null ? preset.cost() : Costs.ALL.named(cost);
    if (supernet == null && policy == null && objective == null && prior == null) {
      return preset.withCost(chosen);
    }
    if (prior != null && preset instanceof Recipe.Random random && random.prior() != null) {
      if (supernet == null && policy == null && objective == null) {
        return new Recipe.Random(random.method(), chosen, Priors.ALL.named(prior));
      }
    } else if (prior != null && !(preset instanceof Recipe.Scored<?>)) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "prior %s with --method %s: it has no training-free score (--method front)",
              prior,
              method));
    }
    return switch (preset) {
      case Recipe.Random _ ->
          throw new SextantException(
              String.format(
                      Locale.ROOT,
                      "%s with --method %s: it trains networks without a supernet, one by one, and",
                      policy != null
                          ? "policy " + policy
                          : supernet != null ? "supernet " + supernet : "objective " + objective,
                      method)
                  + " compares them by accuracy (another --method)");
      case Shrinking _ -> throw new IllegalStateException("no method shrinks");
      case Recipe.Scored<?> own -> {
        if (policy != null || objective != null) {
          throw new SextantException(
              String.format(
                  Locale.ROOT,
                  "%s with --method %s: it scores networks, and none learns to pick them (another"
                      + " --method)",
                  policy != null ? "policy " + policy : "objective " + objective,
                  method));
        }
        yield Recipe.scored(
            own.method(),
            supernet == null ? own.supernet() : SupernetKind.named(part("supernet", supernet)),
            prior == null ? own.prior() : Priors.ALL.named(prior),
            chosen);
      }
      case Recipe.InSupernet<?, ?> own ->
          Recipe.of(
              own.method(),
              supernet == null ? own.supernet() : SupernetKind.named(part("supernet", supernet)),
              policy == null ? own.policy() : Policies.ALL.named(part("policy", policy)),
              chosen,
              objective == null
                  ? own.objective()
                  : Objectives.ALL.named(part("objective", objective)));
    };
  }

  private static String part(String kind, String name) {
    if (OF_RANDOM.contains(name.toLowerCase(Locale.ROOT))) {
      throw new SextantException(
          String.format(
              Locale.ROOT, "%s %s: is that of random search (--method random)", kind, name));
    }
    return name;
  }
}
