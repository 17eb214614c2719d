package dev.sextant.nas.train;

import dev.sextant.nas.checkpoint.Checkpoint;
import dev.sextant.nas.checkpoint.EventLog;
import dev.sextant.nas.checkpoint.Events;
import dev.sextant.nas.data.Datasets;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.measure.OtherWork;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.OnnxFile;
import dev.sextant.nas.run.Owner;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.RunFile;
import dev.sextant.nas.run.StageName;
import dev.sextant.nas.run.TrainingSetup;
import dev.sextant.nas.stage.Passes;
import dev.sextant.nas.stage.TrainingStage;
import dev.sextant.nas.workers.Workers;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Backends;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.SextantException;
import java.nio.file.Files;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A run that trains one given network on all training images of a data set, as a search trains the
 * network it found. Goes on from its last checkpoint after whatever ended it, to the same bits.
 *
 * <p>Its directory holds {@code run.json}, {@code events.jsonl}, {@code checkpoint/}, {@code
 * architecture.json}, {@code weights.safetensors} and, where it begins with the weights of another
 * network, {@code start.safetensors}. Confined to one thread.
 */
public final class TrainingRun implements AutoCloseable {
  private static final StageName STAGE = StageName.TRAIN;

  private final RunDirectory directory;
  private final Owner owner;
  private final TrainingSetup setup;
  private final ImageDataset data;
  private final Backend backend;
  private final String identity;
  private final EventLog events;
  private final TrainingStage stage;
  private final Progress progress;
  private final Workers workers;
  private final long checkpointNanos;
  private long lastCheckpoint = System.nanoTime();

  /**
   * Starts a run in an empty directory; the directory is gone again if that fails.
   *
   * @param directory where the run's files are
   * @param setup what the run is to do
   * @param data what {@code setup} names, opened
   * @param checkpointSeconds between checkpoints
   * @param progress told of every step; called on the thread of the run
   * @return the run, ready to begin
   * @throws SextantException if network and images do not fit, or the directory cannot be written
   */
  public static TrainingRun start(
      RunDirectory directory,
      TrainingSetup setup,
      ImageDataset data,
      double checkpointSeconds,
      Progress progress) {
    return start(directory, setup, null, data, checkpointSeconds, progress);
  }

  /**
   * Starts a run that begins with the weights of a trained network, all but those of a classifier
   * for other classes.
   *
   * @param directory where the run's files are
   * @param setup what the run is to do
   * @param from the weights whose checksum {@code setup} says
   * @param data what {@code setup} names, opened
   * @param checkpointSeconds between checkpoints
   * @param progress told of every step; called on the thread of the run
   * @return the run, ready to begin
   * @throws SextantException if network, weights and images do not fit, or the directory cannot be
   *     written
   */
  public static TrainingRun start(
      RunDirectory directory,
      TrainingSetup setup,
      @Nullable Weights from,
      ImageDataset data,
      double checkpointSeconds,
      Progress progress) {
    return directory.begin(
        owner -> {
          prepare(directory, from, setup);
          Backend backend = Backends.open(setup.device(), setup.threads());
          try {
            return new TrainingRun(
                directory,
                owner,
                setup,
                data,
                backend,
                null,
                checkpointSeconds,
                progress,
                Workers.ALONE);
          } catch (RuntimeException | Error e) {
            backend.close();
            throw e;
          }
        });
  }

  /**
   * Continues a run from its last checkpoint, or from its beginning if it made none.
   *
   * @param directory where the run's files are
   * @param checkpointSeconds between checkpoints
   * @param progress told of every step; called on the thread of the run
   * @return the run, ready to continue
   * @throws SextantException if the directory holds no such run, a file of it is damaged, or
   *     another process has it
   */
  public static TrainingRun resume(
      RunDirectory directory, double checkpointSeconds, Progress progress) {
    return resume(directory, checkpointSeconds, progress, Workers.ALONE);
  }

  /**
   * The same as the first of several workers; the others make the same steps.
   *
   * @param directory where the run's files are
   * @param checkpointSeconds between checkpoints
   * @param progress told of every step; called on the thread of the run
   * @param workers this one and the others
   * @return the run, ready to continue
   * @throws SextantException as above, or if the run was begun by another number of workers
   */
  public static TrainingRun resume(
      RunDirectory directory, double checkpointSeconds, Progress progress, Workers workers) {
    // Nothing is written where there is no run.
    new RunFile(directory).compareVectors(progress);
    new RunFile(directory).requireWorkers(workers.count());
    return Owner.holding(
        directory.path(), owner -> resume(directory, owner, checkpointSeconds, progress, workers));
  }

  private static TrainingRun resume(
      RunDirectory directory,
      Owner owner,
      double checkpointSeconds,
      Progress progress,
      Workers workers) {
    TrainingSetup setup = new RunFile(directory).readTraining();
    directory.requireArchitecture(setup.architecture());
    ImageDataset data = Datasets.open(setup.dataSource(), setup.dataOptions());
    Backend backend = Backends.open(setup.device(), setup.threads());
    try {
      Checkpoint checkpoint =
          Files.exists(directory.checkpoint())
              ? Checkpoint.read(directory.checkpoint(), backend)
              : null;
      return new TrainingRun(
          directory, owner, setup, data, backend, checkpoint, checkpointSeconds, progress, workers);
    } catch (RuntimeException | Error e) {
      backend.close();
      throw e;
    }
  }

  private TrainingRun(
      RunDirectory directory,
      Owner owner,
      TrainingSetup setup,
      ImageDataset data,
      Backend backend,
      @Nullable Checkpoint checkpoint,
      double checkpointSeconds,
      Progress progress,
      Workers workers) {
    this.workers = workers;
    this.directory = directory;
    this.owner = owner;
    this.setup = setup;
    Transfer transfer = Transfer.of(directory, setup, data);
    this.data = transfer.data();
    this.backend = backend;
    this.progress = progress;
    checkpointNanos = (long) (checkpointSeconds * 1e9);
    Evaluation.requireTask(setup.architecture(), data.train());
    Architecture.Input images =
        new Architecture.Input(data.height(), data.width(), data.channels());
    if (!setup.architecture().input().equals(images)
        || setup.architecture().classes() != data.classes()) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: images of %dx%dx%d in %d classes do not fit the network %s",
              data.name(),
              data.height(),
              data.width(),
              data.channels(),
              data.classes(),
              setup.architecture().name()));
    }
    identity = new RunFile(directory).identity();
    events =
        new EventLog(
            directory.events(),
            checkpoint == null
                ? EventLog.START
                : checkpoint.getRun(identity, directory.checkpoint()));
    stage = stage(setup, this.data, backend, events, workers);
    try {
      transfer.begin(stage.network(), backend);
      if (checkpoint != null) {
        String saved = checkpoint.getText("stage");
        if (!saved.equals(STAGE.text())) {
          throw new SextantException(
              String.format(
                  Locale.ROOT,
                  "%s: '%s' is no stage of a training",
                  directory.checkpoint(),
                  saved));
        }
        stage.load(checkpoint);
      }
    } catch (RuntimeException | Error e) {
      stage.close();
      events.close();
      throw e;
    }
  }

  /**
   * Makes the steps of a worker that is not the first, to the end.
   *
   * @param directory of a run that the first worker resumes
   * @param workers this one and the others
   * @throws SextantException if the run's files cannot be read, or a worker is lost
   */
  public static void follow(RunDirectory directory, Workers workers) {
    TrainingSetup setup = new RunFile(directory).readTraining();
    ImageDataset images = Datasets.open(setup.dataSource(), setup.dataOptions());
    Transfer transfer = Transfer.of(directory, setup, images);
    workers.meet();
    try (Backend backend = Backends.open(setup.device(), setup.threads());
        TrainingStage stage =
            stage(setup, transfer.data(), backend, (event, fields) -> {}, workers)) {
      transfer.begin(stage.network(), backend);
      stage.load(Checkpoint.read(directory.checkpoint(), backend));
      while (stage.done() < stage.steps()) {
        stage.step();
      }
    }
  }

  private static TrainingStage stage(
      TrainingSetup setup, ImageDataset data, Backend backend, Events events, Workers workers) {
    TrainingStage.Plan plan =
        new TrainingStage.Plan(
            STAGE,
            setup.architecture(),
            IntStream.range(0, data.train().count()).toArray(),
            new int[0],
            setup.config());
    return new TrainingStage(plan, data, Passes.of(backend, setup.architecture(), workers), events);
  }

  /**
   * Makes what a training begins with in an empty directory, for {@link #resume} to begin it.
   *
   * @param directory where the run's files are
   * @param setup what the run is to do
   * @param from the weights whose checksum {@code setup} says, if any
   * @throws SextantException if the directory cannot be written
   */
  public static void prepare(RunDirectory directory, TrainingSetup setup, @Nullable Weights from) {
    directory.begin(
        owner -> {
          try (owner) {
            prepare(directory, from, setup);
          }
          return directory;
        });
  }

  /** Writes what a run begins with, {@code run.json} last. */
  private static void prepare(RunDirectory directory, @Nullable Weights from, TrainingSetup setup) {
    RunDirectory.write(directory.architecture(), setup.architecture().toJson());
    if (from != null) {
      from.write(directory.start());
    }
    new RunFile(directory).write(setup);
  }

  /**
   * Trains to the end and writes the weights.
   *
   * @return how good the compiled model is on the test images ({@link Evaluation#score})
   * @throws SextantException if the loss is no finite number; the last good checkpoint stays
   */
  public double run() {
    try (OtherWork _ = OtherWork.during("the training in " + directory.path())) {
      return toTheEnd();
    }
  }

  private double toTheEnd() {
    if (workers.count() > 1) {
      checkpoint();
      workers.meet();
    }
    progress.course(List.of(new Progress.Stage(STAGE.text(), 1)));
    while (stage.done() < stage.steps()) {
      backend.memory().resetPeaks();
      stage.step();
      progress.step(
          STAGE.text(), stage.done(), stage.steps(), stage.status(), backend.memory().peak());
      if (System.nanoTime() - lastCheckpoint > checkpointNanos) {
        checkpoint();
      }
    }
    checkpoint();
    Weights weights = stage.trained();
    weights.write(directory.weights());
    OnnxFile.write(directory, 1, setup.architecture(), weights, progress);
    return Evaluation.of(
            setup.architecture(), weights, data.test(), setup.device(), setup.threads())
        .score();
  }

  /** {@return the network that is trained} */
  public Architecture architecture() {
    return setup.architecture();
  }

  /** {@return where it is trained} */
  public Device device() {
    return setup.device();
  }

  private void checkpoint() {
    owner.check();
    Checkpoint checkpoint = Checkpoint.empty(backend);
    checkpoint.state().addProperty("stage", STAGE.text());
    checkpoint.putRun(identity, events.position());
    stage.save(checkpoint);
    checkpoint.write(directory.checkpoint());
    lastCheckpoint = System.nanoTime();
  }

  /** Stops threads and frees memory; the run can be resumed. Idempotent. */
  @Override
  public void close() {
    stage.close();
    events.close();
    backend.close();
    owner.close();
  }
}
