package dev.sextant.nas.compare;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * What the runs of a comparison have come to.
 *
 * @param plan of the comparison
 * @param outcomes of the runs that have ended
 * @param failures of those that went wrong
 */
public record Standing(Plan plan, List<Outcome> outcomes, List<Failure> failures) {
  /** How far from the budget a network may measure and be called within it. */
  public static final double TOLERANCE = 0.03;

  /**
   * The end of a run.
   *
   * @param method name of its method in the plan
   * @param folder of its files, in that of the comparison
   * @param seed of the run
   * @param testAccuracy share of test images classified right
   * @param predictedMs predicted latency of the network found
   * @param measuredMs median latency
   * @param seconds of search and retraining
   */
  public record Outcome(
      String method,
      String folder,
      int seed,
      double testAccuracy,
      double predictedMs,
      double measuredMs,
      double seconds) {}

  /**
   * A run that went wrong, and why.
   *
   * @param folder of its files, in that of the comparison
   * @param message what went wrong
   */
  public record Failure(String folder, String message) {}

  /**
   * Mean and sample deviation.
   *
   * @param mean NaN where there is no number
   * @param deviation with n - 1; NaN of fewer than two numbers
   */
  public record Spread(double mean, double deviation) {
    static Spread of(double[] values) {
      double mean = 0;
      for (double value : values) {
        mean += value / values.length;
      }
      double squares = 0;
      for (double value : values) {
        squares += (value - mean) * (value - mean);
      }
      return new Spread(
          values.length == 0 ? Double.NaN : mean,
          values.length < 2 ? Double.NaN : Math.sqrt(squares / (values.length - 1)));
    }
  }

  /**
   * A method's row of the table.
   *
   * @param method as planned
   * @param runs that have ended
   * @param accuracy of test images, as a share of 1
   * @param measuredMs median latencies
   * @param withinBudget runs whose network measures within {@link #TOLERANCE} of the budget
   * @param seconds of search and retraining
   */
  public record Summary(
      Plan.Planned method,
      int runs,
      Spread accuracy,
      Spread measuredMs,
      int withinBudget,
      Spread seconds) {}

  /** Copies the lists. */
  public Standing {
    outcomes = List.copyOf(outcomes);
    failures = List.copyOf(failures);
  }

  /**
   * Runs in all.
   *
   * @return how many runs are planned in all
   */
  public int runs() {
    return plan.seeds() * plan.methods().size();
  }

  /**
   * {@return whether a network is within the budget}
   *
   * @param outcome of a run that has ended
   */
  public boolean withinBudget(Outcome outcome) {
    double over = outcome.measuredMs / plan.budgetMs() - 1;
    return over <= TOLERANCE && (plan.ceiling() || over >= -TOLERANCE);
  }

  /** {@return a row of every method, in the plan's order} */
  public List<Summary> summaries() {
    return plan.methods().stream().map(this::summary).toList();
  }

  private Summary summary(Plan.Planned method) {
    List<Outcome> ended =
        outcomes.stream().filter(outcome -> outcome.method.equals(method.name())).toList();
    return new Summary(
        method,
        ended.size(),
        Spread.of(ended.stream().mapToDouble(Outcome::testAccuracy).toArray()),
        Spread.of(ended.stream().mapToDouble(Outcome::measuredMs).toArray()),
        (int) ended.stream().filter(this::withinBudget).count(),
        Spread.of(ended.stream().mapToDouble(Outcome::seconds).toArray()));
  }

  /** {@return what a reader must know besides the table, a sentence each} */
  public List<String> remarks() {
    List<String> remarks = new ArrayList<>();
    for (Failure failure : failures) {
      remarks.add(String.format(Locale.ROOT, "%s went wrong: %s", failure.folder, failure.message));
    }
    List<Summary> summaries = summaries();
    if (summaries.stream().noneMatch(summary -> summary.method.isRandomSearch())) {
      remarks.add("Random search is not among the methods: nothing says what searching is worth.");
    }
    for (Summary summary : summaries) {
      if (!summary.method.random()) {
        baseline(summary, summaries, false)
            .ifPresent(random -> compare(summary, random, "random search", remarks));
        baseline(summary, summaries, true)
            .ifPresent(prior -> compare(summary, prior, "the training-free prior", remarks));
      }
    }
    return remarks;
  }

  /** What needs no search in the same space, else in another. */
  private static Optional<Summary> baseline(
      Summary method, List<Summary> summaries, boolean prior) {
    return summaries.stream()
        .filter(summary -> summary.method.random() && summary.method.prior() == prior)
        .max(Comparator.comparing(summary -> summary.method.space().equals(method.method.space())));
  }

  private void compare(Summary summary, Summary other, String called, List<String> remarks) {
    if (summary.runs == 0 || other.runs == 0) {
      return;
    }
    String accuracies =
        String.format(
            Locale.ROOT,
            "%.2f %% against %.2f %%",
            100 * summary.accuracy.mean,
            100 * other.accuracy.mean);
    double deviation = Math.max(summary.accuracy.deviation, other.accuracy.deviation);
    if (Double.isNaN(deviation)) {
      remarks.add(
          String.format(
              Locale.ROOT,
              "%s and %s, %s: of one run each, which is too few for a deviation.",
              summary.method.name(),
              called,
              accuracies));
      return;
    }
    double difference = summary.accuracy.mean - other.accuracy.mean;
    PairedTest test = PairedTest.of(differences(summary, other));
    String tested = tested(test);
    if (difference < 0) {
      remarks.add(
          String.format(
              Locale.ROOT,
              "%s is below %s: %s, %s.",
              summary.method.name(),
              called,
              accuracies,
              tested));
    } else if (!(difference > deviation)) {
      remarks.add(
          String.format(
                  Locale.ROOT,
                  "%s does not beat %s by more than the deviation: %s, the larger deviation",
                  summary.method.name(),
                  called,
                  accuracies)
              + String.format(Locale.ROOT, " is %.2f; %s.", 100 * deviation, tested));
    } else if (!test.differs()) {
      remarks.add(
          String.format(
              Locale.ROOT,
              "%s is ahead of %s, %s, by more than the deviation, but not beyond chance: %s.",
              summary.method.name(),
              called,
              accuracies,
              tested));
    }
  }

  /** By seeds that both have ended. */
  private double[] differences(Summary one, Summary other) {
    return IntStream.rangeClosed(1, plan.seeds())
        .mapToDouble(seed -> accuracy(one, seed) - accuracy(other, seed))
        .filter(Double::isFinite)
        .toArray();
  }

  private double accuracy(Summary summary, int seed) {
    return outcomes.stream()
        .filter(o -> o.method.equals(summary.method.name()) && o.seed == seed)
        .mapToDouble(Outcome::testAccuracy)
        .findFirst()
        .orElse(Double.NaN);
  }

  private static String tested(PairedTest test) {
    return test.isTooFew()
        ? String.format(
            Locale.ROOT,
            "p = %.3g of %d pairs, which are too few for any difference to be beyond chance",
            test.p(),
            test.pairs())
        : String.format(Locale.ROOT, "p = %.3g of %d pairs", test.p(), test.pairs());
  }
}
