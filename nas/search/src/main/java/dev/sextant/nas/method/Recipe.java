package dev.sextant.nas.method;

import dev.sextant.nas.cost.CostDetail;
import dev.sextant.nas.cost.CostProvider;
import dev.sextant.nas.objective.Objective;
import dev.sextant.nas.objective.ObjectiveProvider;
import dev.sextant.nas.objective.ObjectiveRequest;
import dev.sextant.nas.policy.ArchitectureSteps;
import dev.sextant.nas.policy.Policies;
import dev.sextant.nas.policy.PolicyProvider;
import dev.sextant.nas.prior.PriorProvider;
import dev.sextant.nas.provider.Provider;
import dev.sextant.nas.space.CellNetworkSpace;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.supernet.SampledSupernet;
import dev.sextant.nas.supernet.Supernet;
import dev.sextant.tensor.SextantException;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What a search is made of; each method is one combination. */
public sealed interface Recipe permits Recipe.Random, Recipe.InSupernet, Recipe.Scored, Shrinking {
  /** {@return whose combination it was before any part was given another value} */
  String method();

  /** {@return what networks cost} */
  CostProvider cost();

  /** {@return whether its supernet holds cells} */
  default boolean hasCells() {
    return false;
  }

  /**
   * {@return whether the weights' rate follows one cosine, as {@link PolicyProvider#hasOneCosine}}
   */
  default boolean hasOneCosine() {
    return false;
  }

  /** {@return the numbers of its architecture steps where no others are given} */
  default ArchitectureSteps steps() {
    return ArchitectureSteps.DEFAULT;
  }

  /** {@return the trade-off where no other is given} */
  default double lambda() {
    return 0;
  }

  /**
   * {@return the side of the images that its supernet sees where none is asked for; 0 for images as
   * they are}
   *
   * @param side of the images as they are
   */
  default int searchSize(int side) {
    return side;
  }

  /** {@return the parts that have options of their own} */
  List<Provider> providers();

  /**
   * {@return the same with another cost}
   *
   * @param other the cost
   */
  Recipe withCost(CostProvider other);

  /**
   * Checks that a space is what the parts are for.
   *
   * @param space the space to search
   * @throws SextantException if it is not, with what to give instead
   */
  default void checkSpace(SearchSpace space) {
    boolean priced =
        switch (space) {
          case Space _ -> cost().ofChains() != null;
          case CellNetworkSpace _ -> cost().ofCells() != null;
        };
    if (!priced) {
      String why =
          switch (space) {
            case Space _ -> "it is a chain of layers (--space darts-small, or --cost latency)";
            case CellNetworkSpace _ ->
                "the cost of a network of cells is no sum over layers (--cost predicted)";
          };
      throw new SextantException(
          String.format(Locale.ROOT, "cost %s with space %s: %s", cost().id(), space.name(), why));
    }
  }

  /**
   * Random search: networks within the budget are drawn uniformly, trained without a supernet, and
   * compared by accuracy; or compared by a training-free score, and only the best is trained.
   *
   * @param method whose combination it is
   * @param cost what networks cost
   * @param prior the score, or null for accuracy
   */
  record Random(String method, CostProvider cost, @Nullable PriorProvider prior) implements Recipe {
    /** Networks drawn where a score compares them. */
    public static final int SCORED = 200;

    /**
     * By accuracy.
     *
     * @param method whose combination it is
     * @param cost what networks cost
     */
    public Random(String method, CostProvider cost) {
      this(method, cost, null);
    }

    /** Checks that networks have a cost before they are drawn. */
    public Random {
      if (cost.measuresSamples()) {
        throw new SextantException(
            String.format(
                    Locale.ROOT,
                    "random search with cost %s: networks are drawn by a predicted cost and"
                        + " measured anyway",
                    cost.id())
                + " (--cost latency)");
      }
    }

    @Override
    public List<Provider> providers() {
      return prior == null ? List.of(cost) : List.of(prior, cost);
    }

    @Override
    public Recipe withCost(CostProvider other) {
      return new Random(method, other, prior);
    }
  }

  /**
   * A search in a supernet. Whoever writes one down has its parts checked by the compiler; {@link
   * #of} checks those that a user names.
   *
   * @param <S> the class of the supernet
   * @param <O> the class of the objective
   * @param method whose combination it was
   * @param supernet how candidates hold weights
   * @param policy who picks, and how it learns
   * @param cost what networks cost
   * @param objective how accuracy or loss and cost are one number
   */
  record InSupernet<S extends Supernet, O extends Objective>(
      String method,
      SupernetKind<S> supernet,
      PolicyProvider<? super S, ? super O> policy,
      CostProvider cost,
      ObjectiveProvider<O> objective)
      implements Recipe {
    /** Refuses a cost that does not tell the policy what it needs, with the reason. */
    public InSupernet {
      CostDetail told = supernet.hasCells() ? cost.ofCells() : cost.ofChains();
      if (told == null || told.compareTo(policy.cost()) < 0) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "policy %s with cost %s: %s",
                policy.id(),
                cost.id(),
                Recipe.missing(supernet, policy, told)));
      }
    }

    /**
     * {@return the objective that the policy follows}
     *
     * @param request the trade-off to start from, the budget and the values of own options
     */
    public Objective objectiveOf(ObjectiveRequest request) {
      return policy.objective() == Objective.class
          ? objective.reward(request)
          : objective.objective(request);
    }

    @Override
    public boolean hasCells() {
      return supernet.hasCells();
    }

    @Override
    public boolean hasOneCosine() {
      return policy.hasOneCosine();
    }

    @Override
    public ArchitectureSteps steps() {
      return policy.steps();
    }

    @Override
    public double lambda() {
      return objective.lambda();
    }

    @Override
    public List<Provider> providers() {
      return List.of(policy, cost, objective);
    }

    @Override
    public Recipe withCost(CostProvider other) {
      return new InSupernet<>(method, supernet, policy, other, objective);
    }

    @Override
    public void checkSpace(SearchSpace space) {
      supernet.check(space);
      Recipe.super.checkSpace(space);
    }
  }

  /**
   * A supernet whose paths are all trained alike, and scores of its networks on held-out images and
   * before any training: these are fitted, and the best of what they predict is looked at longer.
   * One supernet serves every budget.
   *
   * @param <S> the class of the supernet
   * @param method whose combination it is
   * @param supernet how candidates hold weights
   * @param prior the training-free score beside the held-out loss
   * @param cost what networks cost
   */
  record Scored<S extends SampledSupernet>(
      String method, SupernetKind<S> supernet, PriorProvider prior, CostProvider cost)
      implements Recipe {
    /** Networks scored. */
    public static final int NETWORKS = 256;

    /** Epochs of the supernet's weights. */
    public static final int EPOCHS = 30;

    /**
     * Networks that the fit holds for the best, for each budget, and that are scored themselves.
     */
    public static final int CANDIDATES = 64;

    /** Networks looked at longer, for each budget. */
    public static final int FINALISTS = 10;

    /** Images of a smaller side are not halved. */
    private static final int HALVED = 32;

    /** Checks that chains have a cost before they are measured. */
    public Scored {
      if (supernet.hasCells()) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "supernet %s with method %s: it scores chains of layers (--supernet multi-path)",
                supernet.id(),
                method));
      }
      if (cost.measuresSamples() || cost.ofChains() == null) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "method %s with cost %s: it asks what many networks cost (--cost latency)",
                method,
                cost.id()));
      }
    }

    @Override
    public List<Provider> providers() {
      return List.of(prior, cost);
    }

    @Override
    public boolean hasOneCosine() {
      return true;
    }

    @Override
    public ArchitectureSteps steps() {
      return ArchitectureSteps.DEFAULT.withSamples(NETWORKS);
    }

    /** {@inheritDoc} Half of large ones: networks rank better so in the same time. */
    @Override
    public int searchSize(int side) {
      return side < HALVED ? side : side / 2;
    }

    @Override
    public Recipe withCost(CostProvider other) {
      return new Scored<>(method, supernet, prior, other);
    }

    @Override
    public void checkSpace(SearchSpace space) {
      supernet.check(space);
      Recipe.super.checkSpace(space);
    }
  }

  /**
   * {@return a search by scores with the parts that a user names}
   *
   * @param method whose combination it was before the user named parts
   * @param supernet how candidates hold weights
   * @param prior the training-free score
   * @param cost what networks cost
   * @throws SextantException if networks of such a supernet cannot be drawn
   */
  static Recipe scored(
      String method, SupernetKind<?> supernet, PriorProvider prior, CostProvider cost) {
    if (!SampledSupernet.class.isAssignableFrom(supernet.type())) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "supernet %s with method %s: it draws no single networks (--supernet multi-path or"
                  + " collapsed)",
              supernet.id(),
              method));
    }
    return scoredUnchecked(method, supernet, prior, cost);
  }

  /** The class has been compared. */
  @SuppressWarnings("unchecked")
  private static <S extends SampledSupernet> Recipe scoredUnchecked(
      String method, SupernetKind<?> supernet, PriorProvider prior, CostProvider cost) {
    return new Scored<>(method, (SupernetKind<S>) supernet, prior, cost);
  }

  private static String missing(
      SupernetKind<?> supernet, PolicyProvider<?, ?> policy, @Nullable CostDetail told) {
    if (supernet.hasCells()) {
      return "networks of cells have a latency by a predictor, or multiply-adds (--cost predicted"
          + " or macs)";
    }
    if (told == null) {
      return "the predictor is one of cells; a chain of layers has a table (--cost latency)";
    }
    return switch (policy.cost()) {
      case SAMPLED -> throw new IllegalStateException("every cost tells that");
      case EXPECTED ->
          "it follows the gradient of an expected cost, which a measurement does not have (--cost"
              + " latency, or --policy reinforce)";
      case LAYERS -> "it needs what each layer costs, which this does not tell (--cost latency)";
    };
  }

  /**
   * {@return the combination that a user names}
   *
   * @param method whose combination it was before the user named parts
   * @param supernet how candidates hold weights
   * @param policy how decisions are learned
   * @param cost what networks cost
   * @param objective what the policy follows
   * @throws SextantException if the parts do not go together, naming those that do not
   */
  static Recipe of(
      String method,
      SupernetKind<?> supernet,
      PolicyProvider<?, ?> policy,
      CostProvider cost,
      ObjectiveProvider<?> objective) {
    if (!policy.supernet().isAssignableFrom(supernet.type())) {
      throw new SextantException(
          String.format(
                  Locale.ROOT,
                  "supernet %s with policy %s: the policy is for --supernet %s, the supernet for"
                      + " --policy %s",
                  supernet.id(),
                  policy.id(),
                  SupernetKind.ALL.stream()
                      .filter(kind -> policy.supernet().isAssignableFrom(kind.type()))
                      .map(SupernetKind::id)
                      .collect(Collectors.joining(" or ")),
                  Policies.ALL.all().stream()
                      .filter(other -> other.supernet().isAssignableFrom(supernet.type()))
                      .map(Provider::id)
                      .collect(Collectors.joining(" or ")))
              + String.format(Locale.ROOT, " (as in --method %s)", methodWith(supernet)));
    }
    if (!policy.objective().isAssignableFrom(objective.type())) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "policy %s with objective %s: it follows gradients, and accuracy has none"
                  + " (--objective add-linear or absolute, or --policy reinforce)",
              policy.id(),
              objective.id()));
    }
    return unchecked(method, supernet, policy, cost, objective);
  }

  private static String methodWith(SupernetKind<?> supernet) {
    return Methods.ALL.all().stream()
        .filter(
            method ->
                method.recipe() instanceof InSupernet<?, ?> searched
                    && searched.supernet() == supernet)
        .map(Provider::id)
        .findFirst()
        .orElse("random");
  }

  /** The classes have been compared. */
  @SuppressWarnings("unchecked")
  private static <S extends Supernet, O extends Objective> Recipe unchecked(
      String method,
      SupernetKind<?> supernet,
      PolicyProvider<?, ?> policy,
      CostProvider cost,
      ObjectiveProvider<?> objective) {
    return new InSupernet<>(
        method,
        (SupernetKind<S>) supernet,
        (PolicyProvider<S, O>) policy,
        cost,
        (ObjectiveProvider<O>) objective);
  }
}
