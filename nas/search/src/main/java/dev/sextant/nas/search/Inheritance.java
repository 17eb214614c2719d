package dev.sextant.nas.search;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.nas.cost.Counts;
import dev.sextant.nas.cost.ExpectedCost;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.data.SequentialBatches;
import dev.sextant.nas.data.Split;
import dev.sextant.nas.method.Retraining;
import dev.sextant.nas.method.Shrinking;
import dev.sextant.nas.policy.Derivation;
import dev.sextant.nas.run.Contestant;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.SearchSetup;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.stage.NetworkWeights;
import dev.sextant.nas.stage.Passes;
import dev.sextant.nas.stage.RunResults;
import dev.sextant.nas.stage.Teacher;
import dev.sextant.nas.stage.TrainingStage;
import dev.sextant.nas.supernet.Network;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What training takes over from a search: first weights of the networks found, and a teacher. Both
 * are files of the run from the end of the search on, so that a training that is begun again, or
 * begun after another one, begins with the same.
 *
 * <p>Batch norms of a supernet have statistics of other networks too, or none; those of a network
 * that is taken out of it are found anew, by passes over training images (as in Single Path
 * One-Shot, Guo et al., 2020, section 3.4).
 */
final class Inheritance implements AutoCloseable {
  /** Results that hold checksums of files. */
  private static final String INHERITED = "inherited";

  private static final String TEACHER = "teacher.weights";

  /**
   * Batches from which statistics are found. With a momentum of 0.1 what was there before weighs
   * 0.1 % afterwards.
   */
  private static final int BATCHES = 64;

  private final RunDirectory directory;
  private final Retraining retraining;
  private final SearchSetup setup;
  private final ImageDataset data;
  private final Split split;
  private final Passes passes;
  private final RunResults results;
  private @Nullable Network teacher;

  Inheritance(
      RunDirectory directory,
      SearchSetup setup,
      ImageDataset data,
      Split split,
      Passes passes,
      RunResults results) {
    this.directory = directory;
    this.setup = setup;
    retraining = setup.config().retraining();
    this.data = data;
    this.split = split;
    this.passes = passes;
    this.results = results;
  }

  /**
   * Checks the files against what was noted of them.
   *
   * @throws SextantException naming the file that is another's
   */
  void checkFiles() {
    for (int i = 1; i <= setup.config().budget().each().size(); i++) {
      String field = field(Contestant.found(i));
      if (results.has(field)) {
        RunDirectory.requireWeights(directory.inherited(i), results.text(field));
      }
    }
    if (results.has(TEACHER)) {
      RunDirectory.requireWeights(directory.teacherWeights(), results.text(TEACHER));
    }
  }

  private static String field(Contestant who) {
    return who.key() + "." + INHERITED;
  }

  /** Writes what is to be taken over of a search that has ended, whose networks are known. */
  void leave(SearchStage search) {
    if (retraining.inheritWeights()) {
      for (int i = 1; i <= setup.config().budget().each().size(); i++) {
        Contestant who = Contestant.found(i);
        int[] decisions = results.decisions(who);
        try (Network network = takenOut(search, decisions)) {
          Weights weights = weights(network, decisions, INHERITED);
          results.put(field(who), weights.write(directory.inherited(i)));
        }
      }
    }
    if (setup.config().recipe() instanceof Shrinking shrunk) {
      // The network that is shrunk, whose files the run was given.
      results.put(TEACHER, shrunk.teacher());
    } else if (retraining.teacher().teaches()) {
      leaveTeacher(search, search.best(), largest());
    }
  }

  /** The better of two networks, by held-out images. */
  private void leaveTeacher(SearchStage search, int[] probable, int[] largest) {
    try (Network one = takenOut(search, probable);
        Network other = takenOut(search, largest)) {
      double accuracy = heldOut(one);
      double ofLargest = heldOut(other);
      boolean takesLargest = ofLargest > accuracy;
      int[] decisions = takesLargest ? largest : probable;
      RunDirectory.write(directory.teacher(), setup.space().derive(decisions).toJson());
      Weights weights = weights(takesLargest ? other : one, decisions, "teacher");
      results.put("teacher.decisions", decisions);
      results.put("teacher.validationAccuracy", Math.max(accuracy, ofLargest));
      results.put(TEACHER, weights.write(directory.teacherWeights()));
    }
  }

  /** The network of most multiply-adds. */
  private int[] largest() {
    Space space = (Space) setup.space();
    ExpectedCost macs = Counts.MACS.costs(space);
    double[][] alike = new double[space.options().length][];
    for (int i = 0; i < alike.length; i++) {
      alike[i] = new double[space.options()[i]];
      Arrays.fill(alike[i], 1.0 / alike[i].length);
    }
    double most = macs.maximum();
    int[] found = Derivation.mostProbable(alike, macs, most * (1 - 1e-9), most * (1 + 1e-9));
    if (found == null) {
      throw new IllegalStateException("no network has the most multiply-adds");
    }
    return found;
  }

  private Network takenOut(SearchStage search, int[] decisions) {
    Network network = empty(setup.space().derive(decisions));
    search.copyWeights(decisions, network);
    int size = setup.config().batches().size();
    int[] images = new int[Math.min(data.train().count(), BATCHES * size)];
    for (int i = 0; i < images.length; i++) {
      images[i] = (int) ((long) i * data.train().count() / images.length);
    }
    passes.evaluate(
        network,
        new SequentialBatches(
            data.train(), images, Math.min(size, images.length), data.normalization()),
        Tape.Mode.TRAIN);
    return network;
  }

  private Network empty(Architecture architecture) {
    Rng any = new Rng(0);
    return new Network(architecture, new Initializer(backend(), any), 0, any);
  }

  private double heldOut(Network network) {
    return passes
        .evaluate(
            network,
            new SequentialBatches(
                data.train(),
                split.validation(),
                setup.config().batches().size(),
                data.normalization()),
            Tape.Mode.EVAL)
        .accuracy();
  }

  private Weights weights(Network network, int[] decisions, String what) {
    return NetworkWeights.of(network, setup.space().derive(decisions), data, backend(), what);
  }

  private Backend backend() {
    return passes.backend();
  }

  /** Gives a training that has not begun what was left for it. */
  void handOn(TrainingStage stage, Contestant who, int[] decisions) {
    int budget =
        switch (who) {
          case Contestant.Found _ -> 1;
          case Contestant.OnFront(int index) -> index;
          // The baseline is trained as if there had been no search.
          case Contestant.BestOfRandom _, Contestant.Sample _ -> 0;
        };
    if (budget == 0) {
      return;
    }
    if (results.has(field(who))) {
      NetworkWeights.load(
          Weights.read(directory.inherited(budget)),
          setup.space().derive(decisions),
          stage.network(),
          backend());
    }
    if (results.has(TEACHER) && retraining.teacher().teaches()) {
      stage.learnFrom(
          Teacher.evaluating(backend(), teacher()),
          retraining.teacher().temperature(),
          retraining.teacher().weight());
    }
  }

  /** One for all trainings of the run. */
  private Network teacher() {
    if (teacher == null) {
      Architecture architecture = Architecture.read(directory.teacher());
      teacher = empty(architecture);
      NetworkWeights.load(
          Weights.read(directory.teacherWeights()), architecture, teacher, backend());
    }
    return teacher;
  }

  /** Frees the teacher. Idempotent. */
  @Override
  public void close() {
    if (teacher != null) {
      teacher.close();
    }
  }
}
