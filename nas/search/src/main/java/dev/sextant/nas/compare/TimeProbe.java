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
import dev.sextant.nas.score.HeldOutLoss;
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
  static final int ROUNDS = 3;

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
  private final int rounds;
  private long peakBytes;

  TimeProbe(ImageDataset data, Progress progress, int rounds) {
    this.data = data;
    this.progress = progress;
    this.rounds = rounds;
  }

  /** Most memory that tensors took at once in what was timed so far. */
  long peakBytes() {
    return peakBytes;
  }

  /** Seconds of every entrant's parts, in their order. */
  List<PartSeconds> time(List<Entrant> entrants) {
    sweep();
    return time(entrants, this::time);
  }

  /** With times that are taken in another way. */
  List<PartSeconds> time(List<Entrant> entrants, Function<Entrant, PartSeconds> timer) {
    List<List<PartSeconds>> all = new ArrayList<>();
    List<String> doubts = List.of();
    for (int round = 0; round < rounds || round < rounds + MORE_ROUNDS && !doubts.isEmpty(); ) {
      List<PartSeconds> timed = new ArrayList<>();
      for (Entrant entrant : entrants) {
        timed.add(timer.apply(entrant));
        int done = Math.min(round, rounds - 1) * entrants.size() + timed.size();
        progress.step("step times", done, (long) rounds * entrants.size(), entrant.name(), 0);
      }
      all.add(timed);
      round++;
      doubts = doubts(entrants, all);
    }
    doubts.forEach(progress::message);
    return IntStream.range(0, entrants.size())
        .mapToObj(i -> PartSeconds.least(all.stream().map(timed -> timed.get(i))))
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
      double times = (double) data.train().count() / part.train().count();
      double heldOut = config.images().validationFraction() * part.train().count();
      Clock clock =
          new Clock(
              times,
              config.recipe() instanceof Recipe.Scored<?> ? config.architecture().samples() : 0,
              Math.min(HeldOutLoss.PART, times * heldOut) / Math.min(HeldOutLoss.PART, heldOut));
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
      return clock.parts();
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
  private final class Clock implements Progress {
    private final List<Step> steps = new ArrayList<>();
    private final long start = System.nanoTime();
    private final double images;
    private final int scored;
    private final double part;
    private long weights;

    /**
     * Of a run on a part of the images.
     *
     * @param images how many times as many there are in all
     * @param scored networks that are scored before and after the weight steps, or 0
     * @param part how many times as many of the held-out images such a score is by in all
     */
    Clock(double images, int scored, double part) {
      this.images = images;
      this.scored = scored;
      this.part = part;
    }

    /** A step that is done. */
    private record Step(StageName stage, long done, long steps, double at) {}

    /** What a step of a search is part of. */
    private enum Phase {
      PRIORS,
      WARMUP,
      JOINT,
      SCORES,
      LOOKS
    }

    /** Of two epochs the first is the warm-up. */
    private Phase phase(Step step) {
      long done = step.done - scored;
      if (done <= 0) {
        return Phase.PRIORS;
      }
      if (done > weights) {
        return done <= weights + scored ? Phase.SCORES : Phase.LOOKS;
      }
      return 2 * done <= weights ? Phase.WARMUP : Phase.JOINT;
    }

    @Override
    public void step(String stage, long done, long all, String status, long peakBytes) {
      Step step = new Step(StageName.parse(stage, "progress"), done, all, now());
      if (steps.isEmpty()) {
        // How many there are to look at is an upper bound until scores are known.
        weights =
            all
                - (scored == 0
                    ? 0
                    : 2L * scored + Recipe.Scored.CANDIDATES + Recipe.Scored.FINALISTS);
      }
      steps.add(step);
      TimeProbe.this.peakBytes = Math.max(TimeProbe.this.peakBytes, peakBytes);
    }

    private double now() {
      return (System.nanoTime() - start) * 1e-9;
    }

    @Override
    public void message(String text) {}

    /** What was timed, for all images. */
    PartSeconds parts() {
      double warmup = 0;
      double more = 0;
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
            more += phase(step) == Phase.SCORES ? (part - 1) * seconds : 0;
            more += phase(step) == Phase.LOOKS ? (images - 1) * seconds : 0;
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
          fixed + more, images * warmup, images * joint, draw, images * samples, images * retrain);
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
