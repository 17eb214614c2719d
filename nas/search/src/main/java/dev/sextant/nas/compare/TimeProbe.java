package dev.sextant.nas.compare;

import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.method.Recipe;
import dev.sextant.nas.method.RunLength;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.Contestant;
import dev.sextant.nas.run.Folders;
import dev.sextant.nas.run.Owner;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.StageName;
import dev.sextant.nas.search.SearchRun;
import dev.sextant.runtime.AtomicFile;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * Times the parts of each method's run by whole runs of one epoch each on a part of the images.
 * Methods take turns, so that a machine that slows down for a while does so for all of them. Where
 * the two shortest rounds of a method are far apart, further rounds follow; if that does not help
 * it is said, for how long its runs will take is then not known.
 */
final class TimeProbe {
  private static final int ROUNDS = 3;

  /** Of all methods, while those of one are {@link #SPREAD} apart. */
  private static final int MORE_ROUNDS = 3;

  /** Between the two shortest, of which the shorter is the better compiled one too. */
  private static final double SPREAD = 0.25;

  private static final String PREFIX = "sextant-probe-";

  /** Weight steps in an epoch of a timed search. */
  private static final int STEPS = 12;

  private static final double NO_CHECKPOINT = 1e9;

  private final ImageDataset data;
  private final Progress progress;

  TimeProbe(ImageDataset data, Progress progress) {
    this.data = data;
    this.progress = progress;
  }

  /** Seconds of every entrant's parts, in their order. */
  List<PartSeconds> time(List<Entrant> entrants) {
    sweep();
    return time(entrants, this::time);
  }

  /** With times that are taken in another way. */
  List<PartSeconds> time(List<Entrant> entrants, Function<Entrant, PartSeconds> timer) {
    List<List<PartSeconds>> rounds = new ArrayList<>();
    List<String> doubts = List.of();
    for (int round = 0; round < ROUNDS || round < ROUNDS + MORE_ROUNDS && !doubts.isEmpty(); ) {
      List<PartSeconds> timed = new ArrayList<>();
      for (Entrant entrant : entrants) {
        timed.add(timer.apply(entrant));
        int done = Math.min(round, ROUNDS - 1) * entrants.size() + timed.size();
        progress.step("step times", done, (long) ROUNDS * entrants.size(), entrant.name(), 0);
      }
      rounds.add(timed);
      round++;
      doubts = doubts(entrants, rounds);
    }
    doubts.forEach(progress::message);
    return IntStream.range(0, entrants.size())
        .mapToObj(i -> PartSeconds.least(rounds.stream().map(timed -> timed.get(i))))
        .toList();
  }

  private static List<String> doubts(List<Entrant> entrants, List<List<PartSeconds>> rounds) {
    List<String> doubts = new ArrayList<>();
    for (int i = 0; i < entrants.size(); i++) {
      int method = i;
      double[] sums =
          rounds.stream().mapToDouble(round -> round.get(method).epochs()).sorted().toArray();
      if (sums.length > 1 && sums[1] > (1 + SPREAD) * sums[0]) {
        doubts.add(
            String.format(
                Locale.ROOT,
                "doubtful  of %d rounds of %s the shortest is %.0f %% shorter than the next: its"
                    + " runs may take another time than planned",
                sums.length,
                entrants.get(i).name(),
                100 * (1 - sums[0] / sums[1])));
      }
    }
    return doubts;
  }

  /** Deletes what probes of processes that were killed have left. */
  private static void sweep() {
    for (Path folder : Folders.in(Path.of(System.getProperty("java.io.tmpdir")))) {
      if (String.valueOf(folder.getFileName()).startsWith(PREFIX)
          && Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)
          && Owner.isAbandoned(folder)) {
        try {
          Folders.delete(folder);
        } catch (SextantException e) {
          // Another process was quicker.
        }
      }
    }
  }

  private PartSeconds time(Entrant entrant) {
    var config = entrant.setup().config().timed(new RunLength(1, 1, 1, entrant.isRandom() ? 1 : 0));
    int images =
        (int)
            Math.ceil(STEPS * config.batches().size() / (1 - config.images().validationFraction()));
    ImageDataset part = data.withTraining(Math.max(images, 2 * data.classes()));
    Path directory = temporary();
    try {
      Clock clock =
          new Clock(
              config.recipe() instanceof Recipe.Scored<?> ? config.architecture().samples() : 0);
      try (SearchRun run =
          SearchRun.start(
              new RunDirectory(directory),
              entrant.setup().with(config),
              entrant.model(),
              part,
              NO_CHECKPOINT,
              clock)) {
        run.run();
      }
      return clock.parts((double) data.train().count() / part.train().count());
    } finally {
      Folders.delete(directory);
    }
  }

  private static Path temporary() {
    try {
      return Files.createTempDirectory(PREFIX);
    } catch (IOException e) {
      throw AtomicFile.unwritable(Path.of(System.getProperty("java.io.tmpdir")), e);
    }
  }

  /** Takes the time of every step. */
  private static final class Clock implements Progress {
    private final List<Step> steps = new ArrayList<>();
    private final long start = System.nanoTime();
    private final int scored;

    /** Of a search that scores so many networks before and after its weight steps, or 0. */
    Clock(int scored) {
      this.scored = scored;
    }

    /** A step that is done. */
    private record Step(StageName stage, long done, long steps, double at) {}

    /** What a step of a search is part of. */
    private enum Phase {
      WARMUP,
      JOINT,
      SCORES
    }

    /** Of two epochs the first is the warm-up. */
    private Phase phase(Step step) {
      long weights = step.steps - (scored == 0 ? 0 : 2L * scored + Recipe.Scored.FINALISTS);
      long done = step.done - scored;
      if (done <= 0 || done > weights) {
        return Phase.SCORES;
      }
      return 2 * done <= weights ? Phase.WARMUP : Phase.JOINT;
    }

    @Override
    public void step(String stage, long done, long all, String status, long peakBytes) {
      steps.add(new Step(StageName.parse(stage, "progress"), done, all, now()));
    }

    private double now() {
      return (System.nanoTime() - start) * 1e-9;
    }

    @Override
    public void message(String text) {}

    /** What was timed, for that many times the images. */
    PartSeconds parts(double images) {
      double warmup = 0;
      double joint = 0;
      double draw = 0;
      double samples = 0;
      double retrain = 0;
      double end = now();
      int from = 0;
      double before = 0;
      for (int i = 0; i < steps.size(); i++) {
        Step step = steps.get(i);
        boolean searches = step.stage.equals(StageName.SEARCH);
        boolean ends =
            i + 1 == steps.size()
                || !steps.get(i + 1).stage.equals(step.stage)
                || searches && phase(steps.get(i + 1)) != phase(step);
        if (!ends) {
          continue;
        }
        double opened = searches && from > 0 ? before : opened(from, i, before);
        double seconds = step.at - opened;
        switch (step.stage) {
          case StageName.Search _ -> {
            warmup += phase(step) == Phase.WARMUP ? seconds : 0;
            joint += phase(step) == Phase.JOINT ? seconds : 0;
          }
          case StageName.Training(Contestant.Found _) -> retrain += seconds;
          default -> {
            draw += opened - before;
            // Two epochs: warm-up and search are one for it.
            samples += seconds / 2;
          }
        }
        from = i + 1;
        before = step.at;
      }
      double fixed = end - warmup - joint - draw - 2 * samples - retrain;
      return new PartSeconds(
          fixed, images * warmup, images * joint, draw, images * samples, images * retrain);
    }

    /** When the steps from one to another began: the first took as long as the others. */
    private double opened(int from, int to, double before) {
      double first = steps.get(from).at;
      return to == from
          ? before
          : Math.max(before, first - (steps.get(to).at - first) / (to - from));
    }
  }
}
