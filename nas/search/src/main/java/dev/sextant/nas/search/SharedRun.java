package dev.sextant.nas.search;

import dev.sextant.nas.checkpoint.Checkpoint;
import dev.sextant.nas.checkpoint.Events;
import dev.sextant.nas.cost.CostModel;
import dev.sextant.nas.cost.CostProvider;
import dev.sextant.nas.cost.PredictedLatency;
import dev.sextant.nas.data.Datasets;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.Owner;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.RunFile;
import dev.sextant.nas.run.SearchSetup;
import dev.sextant.nas.run.StageName;
import dev.sextant.nas.stage.Passes;
import dev.sextant.nas.stage.RunResults;
import dev.sextant.nas.stage.RunStage;
import dev.sextant.nas.train.TrainingRun;
import dev.sextant.nas.workers.Workers;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Backends;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.VectorUnit;
import java.util.Locale;

/**
 * A run that several workers make together, in processes that share its directory. The first of
 * them does all that one process alone would do: it measures, derives, evaluates and writes. The
 * others make its steps, so that every step has all of them, and take up its checkpoint where a
 * stage begins.
 *
 * <p>With the same number of workers the bits are the same from run to run, also after one of them
 * was killed and all went on from the last checkpoint. Batch norms go by the statistics of a
 * worker's share of a batch, so that results are not those of one worker with the whole batch, but
 * are as far from them as those of another seed.
 */
public final class SharedRun {
  /** How long a process that was given up may hold the directory's lock while it dies. */
  private static final long DYING_NANOS = 60_000_000_000L;

  private static final Events NOBODY = (event, fields) -> {};

  private SharedRun() {}

  /**
   * Does one worker's part of a search or a training, to the end.
   *
   * @param directory of the run, which has begun or was prepared
   * @param checkpointSeconds between checkpoints
   * @param workers this one and the others
   * @param takeOver whether the process that held the directory is known to be gone
   * @param progress told of every step of the first worker
   * @throws SextantException if the run goes wrong, a worker is lost, or the workers' machines are
   *     not alike
   */
  public static void run(
      RunDirectory directory,
      double checkpointSeconds,
      Workers workers,
      boolean takeOver,
      Progress progress) {
    RunFile file = new RunFile(directory);
    file.requireWorkers(workers.count());
    requireAlike(workers);
    if (workers.rank() > 0) {
      if (file.isTraining()) {
        TrainingRun.follow(directory, workers);
      } else {
        followSearch(directory, workers);
      }
      return;
    }
    if (takeOver) {
      takeOver(directory);
    }
    if (file.isTraining()) {
      try (TrainingRun run = TrainingRun.resume(directory, checkpointSeconds, progress, workers)) {
        run.run();
      }
    } else {
      try (SearchRun run = SearchRun.resume(directory, checkpointSeconds, progress, workers)) {
        run.run();
      }
    }
  }

  /** Vectors of another width give other bits: the workers would go apart. */
  private static void requireAlike(Workers workers) {
    float bits = VectorUnit.bits().orElse(0);
    float[] sums = {bits};
    workers.sum(sums, 1);
    if (sums[0] != bits * workers.count()) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "workers: this machine has vectors of %.0f bits and others have not: their steps"
                  + " would differ (SEXTANT_OPTS=-Dsextant.vector.bits=N sets one width for all)",
              bits));
    }
  }

  /**
   * Takes a directory from a process that is gone, or is going.
   *
   * @param directory of a run
   * @throws SextantException if a process of this machine still has it after a minute
   */
  public static void takeOver(RunDirectory directory) {
    long began = System.nanoTime();
    while (true) {
      try {
        Owner.release(directory.path());
        return;
      } catch (SextantException e) {
        if (System.nanoTime() - began > DYING_NANOS) {
          throw e;
        }
        try {
          Thread.sleep(200);
        } catch (InterruptedException interrupted) {
          Thread.currentThread().interrupt();
          throw e;
        }
      }
    }
  }

  private static void followSearch(RunDirectory directory, Workers workers) {
    SearchSetup setup = new RunFile(directory).read();
    ImageDataset data = Datasets.open(setup.dataSource(), setup.dataOptions());
    CostProvider costs = setup.config().recipe().cost();
    try (Backend backend = Backends.open(setup.device(), setup.threads())) {
      while (true) {
        workers.meet();
        Checkpoint checkpoint = Checkpoint.read(directory.checkpoint(), backend);
        RunResults results = new RunResults(checkpoint.getObject("results"));
        if (results.isFinished()) {
          return;
        }
        CostModel model = costs.read(directory.path(), setup.config().optionsOf(costs));
        RunStages stages =
            new RunStages(
                directory,
                setup,
                model,
                data,
                Passes.of(backend, setup.space(), workers),
                NOBODY,
                Progress.NONE,
                results);
        StageName name =
            StageName.parse(checkpoint.getText("stage"), directory.checkpoint().toString());
        try (RunStage stage = stages.open(name)) {
          stage.load(checkpoint);
          while (stage.done() < stage.steps()) {
            stage.step();
          }
        } finally {
          if (model instanceof PredictedLatency own) {
            own.close();
          }
        }
      }
    }
  }
}
