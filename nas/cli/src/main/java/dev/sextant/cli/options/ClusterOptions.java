package dev.sextant.cli.options;

import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.RunFile;
import dev.sextant.nas.search.SharedRun;
import dev.sextant.nas.workers.Cluster;
import dev.sextant.nas.workers.ClusterProvider;
import dev.sextant.tensor.SextantException;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that have several workers make one run. */
public final class ClusterOptions {
  @Option(
      names = "--master",
      paramLabel = "ADDRESS",
      description =
          "of a Spark cluster that makes the run, as in spark://HOST:7077 or local[2]; the run's"
              + " directory and its images lie where all its machines find them (needs Sextant's"
              + " Spark part)")
  private @Nullable String master;

  @Option(
      names = "--workers",
      paramLabel = "N",
      defaultValue = "1",
      description =
          "with --master, among how many processes each batch is shared; default: ${DEFAULT-VALUE}")
  private int workers;

  /**
   * {@return whether a cluster is to make the run}
   *
   * @throws SextantException if there can be none, or workers without one
   */
  public boolean isGiven() {
    if (master == null && workers != 1) {
      throw new SextantException(
          String.format(Locale.ROOT, "workers: %d need a cluster (--master ADDRESS)", workers));
    }
    if (master != null) {
      ClusterProvider.find(master);
    }
    return master != null;
  }

  /**
   * The same of a new run.
   *
   * @param batch images of a whole batch
   * @return whether a cluster is to make the run
   * @throws SextantException also if the workers cannot share the batch alike
   */
  public boolean isGiven(int batch) {
    if (workers < 1 || batch % workers != 0) {
      throw new SextantException(
          String.format(
              Locale.ROOT, "workers: %d cannot share batches of %d images alike", workers, batch));
    }
    return isGiven();
  }

  /**
   * Has a cluster make a run that was prepared, or continue it.
   *
   * @param directory of the run
   * @param checkpointSeconds between checkpoints
   * @param threads of each worker
   * @param takeOver whether the process that held the directory is known to be gone
   * @throws SextantException if the run goes wrong, or there is no cluster
   */
  public void run(RunDirectory directory, double checkpointSeconds, int threads, boolean takeOver) {
    String path = directory.path().toAbsolutePath().toString();
    new RunFile(directory).requireWorkers(workers);
    try (Cluster cluster = open(threads)) {
      cluster.together(
          workers,
          (all, attempt) ->
              SharedRun.run(
                  new RunDirectory(Path.of(path)),
                  checkpointSeconds,
                  all,
                  takeOver || attempt > 0,
                  Progress.NONE));
    }
  }

  /**
   * Says in a prepared run that several workers make it.
   *
   * @param directory of the run
   */
  public void share(RunDirectory directory) {
    if (workers > 1) {
      new RunFile(directory).shareAmong(workers);
    }
  }

  /**
   * Connects to the cluster.
   *
   * @param threads of each of its tasks
   * @return the cluster, to be closed
   * @throws SextantException if there is none
   */
  public Cluster open(int threads) {
    if (master == null) {
      throw new SextantException("master: the address of a cluster is missing (--master ADDRESS)");
    }
    return ClusterProvider.open(master, threads);
  }
}
