package dev.sextant.cli;

import dev.sextant.cli.options.BudgetConverter;
import dev.sextant.cli.options.DataSource;
import dev.sextant.cli.options.MeasurementOptions;
import dev.sextant.cli.options.SearchSettings;
import dev.sextant.cli.options.TimeConverter;
import dev.sextant.cli.output.Outcomes;
import dev.sextant.cli.output.OutputOptions;
import dev.sextant.cli.output.TruthReport;
import dev.sextant.nas.compare.Entrant;
import dev.sextant.nas.compare.MethodComparison;
import dev.sextant.nas.compare.Plan;
import dev.sextant.nas.compare.Standing;
import dev.sextant.nas.cost.CostModel;
import dev.sextant.nas.cost.CostUnit;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.detection.SceneSource;
import dev.sextant.nas.method.Budget;
import dev.sextant.nas.method.Method;
import dev.sextant.nas.method.Methods;
import dev.sextant.nas.method.Recipe;
import dev.sextant.nas.method.RunLength;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.search.BudgetCheck;
import dev.sextant.nas.space.CellNetworkSpace;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Latency.Percentile;
import dev.sextant.tensor.SextantException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sextant compare}. */
@Command(
    name = "compare",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description =
        "Compares methods over several seeds: each run searches and trains its network for the"
            + " same time within the same latency budget. The same command again, or resume,"
            + " continues a comparison that was stopped.")
final class CompareCommand implements Runnable {
  /** Where in the first space's range of latencies the budget lies if none is given. */
  private static final double DEFAULT_BUDGET = 0.4;

  /** What may differ when a comparison is continued. */
  private static final Set<String> FREE =
      Set.of("--out", "--checkpoint-seconds", "--help", "--version");

  /** The comparison chooses its own; the settings of runs are copied with others. */
  private static final RunLength ANY = new RunLength(0, 1_000_000, 1, 1);

  @Spec private CommandSpec spec = CommandSpec.create();

  @Mixin private DataSource data = new DataSource();
  @Mixin private MeasurementOptions measurement = new MeasurementOptions();
  @Mixin private SearchSettings settings = new SearchSettings();

  @Option(
      names = "--methods",
      split = ",",
      defaultValue = "proxyless-g,proxyless-r,tunas,random,prior",
      description =
          "methods as of search, each with a space of its own after a colon where it needs one, as"
              + " in proxyless-g,tunas:mine.json,random; default: ${DEFAULT-VALUE}")
  private List<String> methods = List.of();

  @Option(
      names = "--seeds",
      defaultValue = "3",
      description = "runs of each method; default: ${DEFAULT-VALUE}")
  private int seeds;

  @Option(
      names = "--time",
      defaultValue = "3m",
      converter = TimeConverter.class,
      description =
          "of search and retraining together, for each run, as in 90s, 3m or 1.5h; default:"
              + " ${DEFAULT-VALUE}")
  private Duration time = Duration.ZERO;

  @Option(
      names = "--space",
      defaultValue = "proxyless-small",
      description =
          "name or JSON file of a search space, for methods without one of their own; default:"
              + " ${DEFAULT-VALUE}")
  private String space = "";

  @Option(
      names = "--budget",
      converter = BudgetConverter.class,
      description = "latency to meet, as in 1.5ms; default: 40 %% up the first space's range")
  private BudgetConverter.@Nullable Budget budget;

  @Option(names = "--ceiling", description = "the budget may be undercut")
  private boolean ceiling;

  @Option(
      names = "--out",
      defaultValue = "runs/compare",
      description = "directory of the comparison; default: ${DEFAULT-VALUE}")
  private Path out = Path.of("");

  @Option(
      names = "--checkpoint-seconds",
      defaultValue = "30",
      description = "between checkpoints; default: ${DEFAULT-VALUE}")
  private double checkpointSeconds;

  @Option(
      names = "--truth",
      paramLabel = "FILE",
      description =
          "judge runs that have ended by a table of networks trained alone (sextant truth), rather"
              + " than compare methods")
  private @Nullable Path truth;

  @Parameters(paramLabel = "RUN", arity = "0..*", description = "with --truth: directories of runs")
  private List<Path> runs = List.of();

  /** A method and the space it searches. */
  private record Pair(Method method, String space) {
    static Pair of(String text, String otherwise) {
      int colon = text.indexOf(':');
      String name = colon < 0 ? text : text.substring(0, colon);
      return new Pair(Methods.ALL.named(name), colon < 0 ? otherwise : text.substring(colon + 1));
    }
  }

  @Mixin private OutputOptions output = new OutputOptions();

  @Override
  public void run() {
    if (truth != null) {
      for (OptionSpec given : spec.commandLine().getParseResult().matchedOptions()) {
        if (!given.longestName().equals("--truth")) {
          throw new SextantException(
              String.format(
                  Locale.ROOT,
                  "%s: with --truth runs are judged as they were made; leave it out",
                  given.longestName()));
        }
      }
      TruthReport.print(truth, runs);
      return;
    }
    if (!runs.isEmpty()) {
      throw new SextantException(
          String.format(
              Locale.ROOT, "%s: runs that have ended are judged by --truth", runs.getFirst()));
    }
    Progress progress = output.progress();
    MethodComparison comparison = MethodComparison.isIn(out) ? continued() : begun(progress);
    Standing standing = comparison.run(checkpointSeconds, progress);
    output.outcome(
        Outcomes.of(standing, comparison.directory()), () -> Terminal.print(standing, comparison));
  }

  /**
   * Plans a comparison, or finds it planned, and runs nothing.
   *
   * @param arguments of the command
   * @throws SextantException if they are wrong, or it cannot be planned
   */
  static void prepare(List<String> arguments) {
    CompareCommand command = new CompareCommand();
    try {
      new CommandLine(command)
          .setCaseInsensitiveEnumValuesAllowed(true)
          .parseArgs(arguments.toArray(new String[0]));
    } catch (CommandLine.ParameterException e) {
      throw new SextantException(String.valueOf(e.getMessage()), e);
    }
    if (MethodComparison.isIn(command.out)) {
      command.continued();
    } else {
      command.begun(command.output.progress());
    }
  }

  /** What was asked for, every option by its name. */
  private SequencedMap<String, String> asked() {
    SequencedMap<String, String> asked = new TreeMap<>();
    for (OptionSpec option : spec.options()) {
      Object value = option.getValue();
      if (!FREE.contains(option.longestName()) && value != null) {
        asked.put(option.longestName(), value.toString());
      }
    }
    return asked;
  }

  private MethodComparison continued() {
    MethodComparison comparison = MethodComparison.read(out);
    SequencedMap<String, String> before = comparison.plan().asked();
    SequencedMap<String, String> now = asked();
    Set<String> options = new HashSet<>(before.keySet());
    options.addAll(now.keySet());
    for (String option : options.stream().sorted().toList()) {
      String one = before.getOrDefault(option, "its default");
      String other = now.getOrDefault(option, "its default");
      // An older version did not know the flag.
      boolean unknown = !before.containsKey(option) && other.equals("false");
      if (!one.equals(other) && !unknown) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "%s: holds a comparison with %s %s, not %s; resume it or give another --out",
                out,
                option,
                one,
                other));
      }
    }
    return comparison;
  }

  private MethodComparison begun(Progress progress) {
    measurement.device();
    if (seeds < 1 || seeds > Plan.MAX_SEEDS) {
      throw new SextantException(
          String.format(Locale.ROOT, "seeds: %d is not between 1 and %d", seeds, Plan.MAX_SEEDS));
    }
    if (methods.isEmpty()) {
      throw new SextantException("methods: none is given");
    }
    List<Pair> pairs = methods.stream().map(text -> Pair.of(text, space)).toList();
    Set<Pair> different = new HashSet<>();
    for (Pair pair : pairs) {
      if (!different.add(pair)) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "methods: %s is there twice with the space %s",
                pair.method.id(),
                pair.space));
      }
    }
    RunDirectory.create(out);
    if (pairs.stream().allMatch(pair -> sized(pair.space).detects())) {
      data.otherwise(SceneSource.DEFAULT);
    }
    ImageDataset images = data.open();
    progress.message("data      " + images);
    List<Entrant> entrants = entrants(pairs, images, progress);
    return MethodComparison.plan(
        out, asked(), entrants, time.toMillis() * 1e-3, seeds, images, progress);
  }

  /** Networks of cells at the size asked for. */
  private SearchSpace sized(String name) {
    SearchSpace named = Networks.space(name);
    return named instanceof CellNetworkSpace ? settings.cells().sized(named) : named;
  }

  /** What was set of a method's own parts; other methods may have others. */
  private Map<String, String> options(Recipe recipe) {
    Map<String, String> own = new TreeMap<>(data.others());
    own.keySet()
        .removeIf(
            name ->
                recipe.providers().stream()
                    .noneMatch(provider -> name.startsWith(provider.id() + ".")));
    return own;
  }

  private static SearchConfig of(SearchConfig config, Percentile percentile) {
    return config.withBudget(config.budget().withPercentile(percentile));
  }

  private List<Entrant> entrants(List<Pair> pairs, ImageDataset images, Progress progress) {
    Map<String, SearchSpace> spaces = new HashMap<>();
    Map<String, CostModel> models = new HashMap<>();
    List<Entrant> entrants = new ArrayList<>();
    double budgetMs = budget == null ? 0 : budget.in(CostUnit.MILLISECONDS);
    Percentile percentile = budget == null ? Percentile.P50 : budget.percentile();
    for (Pair pair : pairs) {
      SearchSpace searched =
          spaces.computeIfAbsent(
              pair.space,
              name ->
                  sized(name)
                      .withInput(
                          new Architecture.Input(
                              images.height(), images.width(), images.channels()),
                          images.classes()));
      Recipe recipe = pair.method.recipe(searched);
      recipe.checkSpace(searched);
      CostModel model =
          models.computeIfAbsent(
              pair.space + " by " + recipe.cost().id(),
              key ->
                  measurement.model(
                      recipe.cost(),
                      searched,
                      settings.cells(),
                      data.others(),
                      percentile,
                      0,
                      progress));
      if (budgetMs == 0) {
        BudgetCheck.Range costs = BudgetCheck.costs(model, searched);
        budgetMs = costs.minimum() + DEFAULT_BUDGET * (costs.maximum() - costs.minimum());
      }
      boolean alone = pairs.stream().filter(p -> p.method == pair.method).count() == 1;
      String name =
          alone
              ? pair.method.id()
              : String.format(Locale.ROOT, "%s-%s", pair.method.id(), searched.name());
      entrants.add(
          new Entrant(
              name,
              measurement.setup(
                  data,
                  searched,
                  of(
                      settings
                          .config(pair.method, recipe, searched, budgetMs, ceiling, options(recipe))
                          .withLength(ANY),
                      percentile),
                  model),
              model));
    }
    progress.message(
        String.format(
            Locale.ROOT,
            "methods   %s; %s, budget %s",
            entrants.stream().map(Entrant::name).collect(Collectors.joining(", ")),
            spaces.values().stream().map(SearchSpace::name).sorted().toList(),
            CostUnit.MILLISECONDS.format(budgetMs) + Budget.at(percentile)));
    return entrants;
  }
}
