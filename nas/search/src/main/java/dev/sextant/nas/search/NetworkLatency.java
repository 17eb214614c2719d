package dev.sextant.nas.search;

import dev.sextant.nas.measure.OtherWork;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.SearchSetup;
import dev.sextant.nas.stage.RunResults;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Latency;
import dev.sextant.runtime.LatencyMeter;
import dev.sextant.runtime.LatencyProfile;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;

/** How long whole networks take, on the device and with the threads and the batch of a run. */
final class NetworkLatency {
  /** A measurement waits no longer for a quiet machine than this part of the run so far. */
  private static final double PATIENCE = 0.03;

  private static final Duration MOST_PATIENCE = Duration.ofSeconds(10);

  /** For rewards, of which many average out. */
  private static final LatencyMeter QUICK_METER =
      new LatencyMeter(0.03, Duration.ofMillis(30), Duration.ofMillis(60), Duration.ZERO);

  private final SearchSetup setup;
  private final Path directory;
  private final RunResults results;
  private final Progress progress;

  /**
   * Measures nothing yet.
   *
   * @param directory of the run, by which other work of this process names it
   * @param results of the run so far, whose time bounds the patience
   * @param progress told what is doubtful
   */
  NetworkLatency(SearchSetup setup, Path directory, RunResults results, Progress progress) {
    this.setup = setup;
    this.directory = directory;
    this.results = results;
    this.progress = progress;
  }

  /** In milliseconds. For a reward: short, as there are many. */
  double quick(Architecture architecture) {
    return measured(architecture, QUICK_METER).ms(percentile());
  }

  /** In milliseconds. For a budget or a result; what is doubtful about it is said. */
  double judged(Architecture architecture) {
    return quantiles(architecture).ms(percentile());
  }

  /** Milliseconds of each layer within a network. */
  double[] layers(Architecture architecture) {
    return new LatencyProfile(setup.device(), setup.latencyThreads(), QUICK_METER)
        .layers(architecture, setup.latencyBatch());
  }

  /** As {@link #judged} measures, with its quantiles. */
  Latency quantiles(Architecture architecture) {
    try (OtherWork others = OtherWork.during("measuring in " + directory)) {
      Latency latency = measured(architecture, meter());
      if (latency.isDoubtful()) {
        progress.message(
            String.format(
                Locale.ROOT,
                "doubtful  a network takes %.4g ms, at other times %.0f %% more%s",
                latency.medianMs(),
                100 * latency.relativeInterval(),
                others.text()));
      }
      return latency;
    }
  }

  private Latency.Percentile percentile() {
    return setup.config().budget().percentile();
  }

  private LatencyMeter meter() {
    long millis = (long) (PATIENCE * 1000 * results.seconds());
    Duration patience = Duration.ofMillis(Math.min(MOST_PATIENCE.toMillis(), millis));
    return new LatencyMeter(0.015, Duration.ofMillis(500), Duration.ofMillis(500), patience);
  }

  private Latency measured(Architecture architecture, LatencyMeter meter) {
    return new LatencyProfile(setup.device(), setup.latencyThreads(), meter)
        .network(architecture, setup.latencyBatch());
  }
}
