package dev.sextant.nas.search;

import com.google.gson.JsonObject;
import dev.sextant.nas.checkpoint.Checkpoint;
import dev.sextant.nas.checkpoint.EventLog;
import dev.sextant.nas.cost.CostModel;
import dev.sextant.nas.cost.CostProvider;
import dev.sextant.nas.cost.PredictedLatency;
import dev.sextant.nas.data.Datasets;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.flight.FlightEvents;
import dev.sextant.nas.follow.Followers;
import dev.sextant.nas.measure.OtherWork;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.report.Report;
import dev.sextant.nas.run.Owner;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.RunFile;
import dev.sextant.nas.run.SearchResult;
import dev.sextant.nas.run.SearchSetup;
import dev.sextant.nas.run.StageName;
import dev.sextant.nas.stage.Passes;
import dev.sextant.nas.stage.RunResults;
import dev.sextant.nas.stage.RunStage;
import dev.sextant.nas.train.TrainedModel;
import dev.sextant.nas.workers.Workers;
import dev.sextant.runtime.Architecture;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Backends;
import dev.sextant.tensor.SextantException;
import java.net.URI;
import java.nio.file.Files;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A run from images to a measured network: search, derivation, retraining, and the same budget
 * spent on random search. Goes on from its last checkpoint after whatever ended it, to the same
 * bits.
 *
 * <p>Confined to one thread.
 */
public final class SearchRun implements AutoCloseable {
  private final RunDirectory directory;
  private final Owner owner;
  private final SearchSetup setup;
  private final Backend backend;
  private final String identity;
  private final EventLog events;
  private final Followers followers;
  private final Progress progress;
  private final Workers workers;
  private final long checkpointNanos;
  private final RunResults results;
  private final RunStages course;
  private RunStage stage;
  private @Nullable PredictedLatency ownModel;
  private long lastCheckpoint = System.nanoTime();
  private long lastTick = System.nanoTime();

  /**
   * Starts a run in an empty directory.
   *
   * @param directory where the run's files are
   * @param setup what the run is to do
   * @param model which must price every network of the space; stays the caller's
   * @param data what {@code setup} names, opened
   * @param checkpointSeconds between checkpoints
   * @param progress told of every step; called on the thread of the run
   * @return the run, to be begun by {@link #run}
   * @throws SextantException if the budget is out of the space's range, with that range
   */
  public static SearchRun start(
      RunDirectory directory,
      SearchSetup setup,
      CostModel model,
      ImageDataset data,
      double checkpointSeconds,
      Progress progress) {
    return start(directory, setup, null, model, data, checkpointSeconds, progress);
  }

  /**
   * Starts the shrinking of a trained network in an empty directory.
   *
   * @param directory where the run's files are
   * @param setup what the run is to do: its space is that of {@link
   *     dev.sextant.nas.shrink.Alternatives}, its recipe says the checksum of the weights
   * @param teacher the network; null where the run shrinks none
   * @param model which must price every network of the space; stays the caller's
   * @param data what {@code setup} names, opened
   * @param checkpointSeconds between checkpoints
   * @param progress told of every step; called on the thread of the run
   * @return the run, to be begun by {@link #run}
   * @throws SextantException as {@link #start(RunDirectory, SearchSetup, CostModel, ImageDataset,
   *     double, Progress)} does, or if the weights are another network's
   */
  public static SearchRun start(
      RunDirectory directory,
      SearchSetup setup,
      @Nullable TrainedModel teacher,
      CostModel model,
      ImageDataset data,
      double checkpointSeconds,
      Progress progress) {
    BudgetCheck.check(setup, model);
    Backend backend = Backends.open(setup.device(), setup.threads());
    try {
      return directory.begin(
          owner -> {
            if (teacher != null) {
              OriginalNetwork.keep(directory, teacher);
            }
            write(directory, setup, model);
            return new SearchRun(
                directory,
                owner,
                setup,
                model,
                data,
                backend,
                null,
                checkpointSeconds,
                progress,
                Workers.ALONE);
          });
    } catch (RuntimeException | Error e) {
      backend.close();
      throw e;
    }
  }

  /**
   * Writes what a run is to do into an empty directory, for {@link #resume} to begin it.
   *
   * @param directory where the run's files are
   * @param setup what the run is to do
   * @param model that prices networks of the space
   * @throws SextantException as {@link #start} does
   */
  public static void prepare(RunDirectory directory, SearchSetup setup, CostModel model) {
    BudgetCheck.check(setup, model);
    directory.begin(
        owner -> {
          try (owner) {
            write(directory, setup, model);
          }
          return directory;
        });
  }

  /** With {@code run.json} a run is there: all that it needs is there before. */
  private static void write(RunDirectory directory, SearchSetup setup, CostModel model) {
    directory.prices().keep(model);
    new RunFile(directory).write(setup);
  }

  /**
   * Continues a run from its last checkpoint, or from its beginning if it made none.
   *
   * @param directory where the run's files are
   * @param checkpointSeconds between checkpoints
   * @param progress told of every step; called on the thread of the run
   * @return the run, to be continued by {@link #run}
   * @throws SextantException if the directory holds no run, a file of it is damaged, or another
   *     process has it
   */
  public static SearchRun resume(
      RunDirectory directory, double checkpointSeconds, Progress progress) {
    return resume(directory, checkpointSeconds, progress, Workers.ALONE);
  }

  /** The same as the first of several workers, whose others follow ({@link SharedRun}). */
  static SearchRun resume(
      RunDirectory directory, double checkpointSeconds, Progress progress, Workers workers) {
    // Nothing is written where there is no run.
    new RunFile(directory).compareVectors(progress);
    new RunFile(directory).requireWorkers(workers.count());
    return Owner.holding(
        directory.path(), owner -> resume(directory, owner, checkpointSeconds, progress, workers));
  }

  private static SearchRun resume(
      RunDirectory directory,
      Owner owner,
      double checkpointSeconds,
      Progress progress,
      Workers workers) {
    SearchSetup setup = new RunFile(directory).read();
    if (new RunFile(directory).isSealed()) {
      directory.prices().check();
    }
    CostModel model = costs(setup).read(directory.path(), setup.config().optionsOf(costs(setup)));
    ImageDataset data = Datasets.open(setup.dataSource(), setup.dataOptions());
    Backend backend = Backends.open(setup.device(), setup.threads());
    try {
      Checkpoint checkpoint =
          Files.exists(directory.checkpoint())
              ? Checkpoint.read(directory.checkpoint(), backend)
              : null;
      SearchRun run =
          new SearchRun(
              directory,
              owner,
              setup,
              model,
              data,
              backend,
              checkpoint,
              checkpointSeconds,
              progress,
              workers);
      run.ownModel = model instanceof PredictedLatency read ? read : null;
      return run;
    } catch (RuntimeException | Error e) {
      backend.close();
      throw e;
    }
  }

  /**
   * {@return the result of a run that has come to its end, wherever that was}
   *
   * @param directory of the run, which is refused if it has not
   */
  public static SearchResult result(RunDirectory directory) {
    try (SearchRun ended =
        Owner.holding(
            directory.path(), owner -> resume(directory, owner, 1, Progress.NONE, Workers.ALONE))) {
      if (!ended.results.isFinished()) {
        throw new SextantException(directory.path() + ": has not come to its end");
      }
      return ended.course.result();
    }
  }

  /** Takes up a checkpoint, or begins where there is none. */
  SearchRun(
      RunDirectory directory,
      Owner owner,
      SearchSetup setup,
      CostModel model,
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
    this.backend = backend;
    this.progress = progress;
    ImageDataset seen = OriginalNetwork.seen(directory, setup, data);
    checkData(seen);
    checkpointNanos = (long) (checkpointSeconds * 1e9);
    results =
        new RunResults(checkpoint == null ? new JsonObject() : checkpoint.getObject("results"));
    results.put("classes", seen.classNames());
    identity = new RunFile(directory).identity();
    events =
        new EventLog(
            directory.events(),
            checkpoint == null
                ? EventLog.START
                : checkpoint.getRun(identity, directory.checkpoint()));
    followers = followers(directory);
    Passes passes = Passes.of(backend, setup.space(), workers);
    course = new RunStages(directory, setup, model, seen, passes, events, progress, results);
    stage = open(checkpoint);
  }

  private static CostProvider costs(SearchSetup setup) {
    return setup.config().recipe().cost();
  }

  private RunStage open(@Nullable Checkpoint checkpoint) {
    try {
      course.checkFiles();
      if (checkpoint == null) {
        return course.open(course.first());
      }
      RunStage opened =
          course.open(
              StageName.parse(checkpoint.getText("stage"), directory.checkpoint().toString()));
      try {
        opened.load(checkpoint);
        return opened;
      } catch (RuntimeException | Error e) {
        opened.close();
        throw e;
      }
    } catch (RuntimeException | Error e) {
      followers.close();
      events.close();
      throw e;
    }
  }

  private Followers followers(RunDirectory directory) {
    try {
      Followers opened = new Followers(directory, progress);
      events.follow(opened::accept);
      return opened;
    } catch (RuntimeException | Error e) {
      events.close();
      throw e;
    }
  }

  /**
   * Lets other tools follow the run, before {@link #run}; a run that is resumed goes on with those
   * it had.
   *
   * @param tensorBoard whether event files for TensorBoard are written into its directory
   * @param mlflow the address of a server of MLflow, or null
   */
  public void follow(boolean tensorBoard, @Nullable URI mlflow) {
    followers.add(tensorBoard, mlflow);
  }

  private void checkData(ImageDataset data) {
    if (setup.space().detects() != data.train().hasScenes()) {
      throw new SextantException(
          setup.space().name()
              + (setup.space().detects()
                  ? ": its networks look for objects, which takes images with boxes"
                  : ": its networks name the class of an image, these have boxes"));
    }
    Architecture.Input input = setup.space().input();
    if (input.height() != data.height()
        || input.width() != data.width()
        || input.channels() != data.channels()
        || setup.space().classes() != data.classes()) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: images of %dx%dx%d in %d classes do not fit the run's %dx%dx%d in %d",
              data.name(),
              data.height(),
              data.width(),
              data.channels(),
              data.classes(),
              input.height(),
              input.width(),
              input.channels(),
              setup.space().classes()));
    }
  }

  /**
   * Runs to the end; of a run that had come to its end, the result.
   *
   * @return what was found
   * @throws SextantException if the search goes wrong, naming the cause; the last good checkpoint
   *     stays
   */
  public SearchResult run() {
    FlightEvents.Run event = FlightEvents.run(directory.path());
    try (OtherWork _ = OtherWork.during("the run in " + directory.path())) {
      return toTheEnd();
    } finally {
      event.commit();
    }
  }

  private SearchResult toTheEnd() {
    if (workers.count() > 1) {
      // The others begin with what this one has on the disk.
      checkpoint();
      workers.meet();
    }
    progress.course(course.course());
    while (!results.isFinished()) {
      while (stage.done() < stage.steps()) {
        backend.memory().resetPeaks();
        FlightEvents.Step event = FlightEvents.step();
        stage.step();
        if (event != null) {
          event.commit(stage.name().text(), stage.done());
        }
        progress.step(
            stage.name().text(),
            stage.done(),
            stage.steps(),
            stage.status(),
            backend.memory().peak());
        if (System.nanoTime() - lastCheckpoint > checkpointNanos) {
          checkpoint();
        }
      }
      tick();
      owner.check();
      RunStage next = course.finish(stage);
      if (next == null) {
        results.finish();
        RunDirectory.write(directory.result(), results.file(setup.config()));
      } else {
        stage.close();
        stage = next;
      }
      checkpoint();
      workers.meet();
    }
    Report.write(directory);
    followers.end();
    return course.result();
  }

  private void checkpoint() {
    owner.check();
    tick();
    Checkpoint checkpoint = Checkpoint.empty(backend);
    checkpoint.state().addProperty("stage", stage.name().text());
    checkpoint.state().add("results", results.json());
    checkpoint.putRun(identity, events.position());
    stage.save(checkpoint);
    checkpoint.write(directory.checkpoint());
    lastCheckpoint = System.nanoTime();
  }

  /** Adds the time since the last call to the stage's seconds, which survive a resume. */
  private void tick() {
    long now = System.nanoTime();
    results.addSeconds(stage.name(), (now - lastTick) * 1e-9);
    lastTick = now;
  }

  /** Stops threads and frees memory; the run can be resumed. Idempotent. */
  @Override
  public void close() {
    stage.close();
    course.close();
    events.close();
    followers.close();
    backend.close();
    if (ownModel != null) {
      ownModel.close();
    }
    owner.close();
  }
}
