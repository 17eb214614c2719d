package dev.sextant.cli;

import dev.sextant.cli.options.BudgetConverter;
import dev.sextant.cli.output.OutputOptions;
import dev.sextant.nas.compare.MethodComparison;
import dev.sextant.nas.compare.Standing;
import dev.sextant.nas.compare.Sweep;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.workers.Cluster;
import dev.sextant.nas.workers.ClusterProvider;
import dev.sextant.tensor.SextantException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Unmatched;

/** {@code sextant sweep}. */
@Command(
    name = "sweep",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description =
        "Makes comparisons on a cluster, a run a task, for each of several budgets. Takes the"
            + " options of `sextant compare` too, such as --methods, --seeds, --time and --threads."
            + " The same command again continues what was stopped.")
final class SweepCommand implements Runnable {
  @Option(
      names = "--master",
      required = true,
      paramLabel = "ADDRESS",
      description = "of a Spark cluster, as in spark://HOST:7077 or local[2]")
  private String master = "";

  @Option(
      names = "--budgets",
      split = ",",
      description = "latencies to meet, as in 0.1ms,0.2ms; default: that of compare")
  private List<String> budgets = List.of();

  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description = "of the comparisons, one a budget, where all machines find it")
  private Path out = Path.of("");

  @Option(
      names = "--threads",
      defaultValue = "1",
      description = "of each run; default: ${DEFAULT-VALUE}")
  private int threads;

  @Option(
      names = "--checkpoint-seconds",
      defaultValue = "30",
      description = "between checkpoints; default: ${DEFAULT-VALUE}")
  private double checkpointSeconds;

  @Option(
      names = "--take-over",
      description = "the processes of a sweep before are gone, those on other machines too")
  private boolean takeOver;

  @Unmatched private List<String> ofCompare = new ArrayList<>();

  @Override
  public void run() {
    for (String budget : budgets) {
      new BudgetConverter().convert(budget);
    }
    Progress progress = OutputOptions.console();
    try (Cluster cluster = ClusterProvider.open(master, threads)) {
      List<Plan> plans = plans();
      // A machine of the cluster times the methods and measures the latency table.
      cluster.each(
          plans,
          true,
          (task, answer, failure) -> {
            if (failure != null) {
              throw new SextantException(failure);
            }
            progress.message(String.format(Locale.ROOT, "planned   %s", answer));
          });
      List<MethodComparison> comparisons =
          plans.stream().map(plan -> MethodComparison.read(Path.of(plan.out))).toList();
      List<Standing> standings =
          new Sweep(comparisons).run(cluster, checkpointSeconds, takeOver, progress);
      for (int i = 0; i < standings.size(); i++) {
        Terminal.print(standings.get(i), comparisons.get(i));
      }
    }
  }

  private List<Plan> plans() {
    List<Plan> plans = new ArrayList<>();
    for (String budget : budgets.isEmpty() ? List.of("") : budgets) {
      Path directory = budget.isEmpty() ? out : out.resolve(budget);
      List<String> arguments = new ArrayList<>(ofCompare);
      arguments.addAll(
          List.of(
              "--threads",
              String.valueOf(threads),
              "--out",
              directory.toAbsolutePath().normalize().toString()));
      if (!budget.isEmpty()) {
        arguments.addAll(List.of("--budget", budget));
      }
      plans.add(
          new Plan(directory.toAbsolutePath().normalize().toString(), List.copyOf(arguments)));
    }
    return plans;
  }

  /**
   * The planning of one comparison, by the arguments of {@code sextant compare}.
   *
   * @param out its directory
   * @param arguments of the command
   */
  private record Plan(String out, List<String> arguments) implements Cluster.Task {
    @Override
    public String run(int attempt) {
      CompareCommand.prepare(arguments);
      return out;
    }
  }
}
