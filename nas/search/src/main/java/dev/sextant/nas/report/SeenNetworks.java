package dev.sextant.nas.report;

import dev.sextant.nas.report.RunEvents.SearchEpoch;
import dev.sextant.nas.report.RunEvents.TrainedEpoch;
import dev.sextant.nas.report.RunRecord.Trained;
import dev.sextant.nas.run.Contestant;
import dev.sextant.nas.run.StageName;
import dev.sextant.nas.space.Position;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Architectures;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Every network of which a run has come to know an accuracy, and published ones of its space. */
final class SeenNetworks {
  /** The kinds of networks, in the order of {@link Seen#kind}. */
  static final List<String> KINDS =
      List.of(
          "most probable of an epoch (held-out, in the supernet)",
          "of random search (held-out)",
          "found by the search (test)",
          "best of random search (test)");

  private static final int PROBABLE = 0;
  private static final int SAMPLE = 1;
  private static final int FOUND = 2;
  private static final int BEST_OF_RANDOM = 3;

  /**
   * A network.
   *
   * @param kind index into {@link #KINDS}
   * @param name what it is called, such as {@code epoch 3}
   * @param accuracy share of images classified right
   * @param latencyMs measured where it was, else predicted; NaN where neither is known
   */
  record Seen(int kind, String name, double accuracy, Architecture network, double latencyMs) {
    /** Whether it was trained to the end, and its accuracy is that of test images. */
    boolean isTested() {
      return kind == FOUND || kind == BEST_OF_RANDOM;
    }

    /**
     * Bytes of weights and of the two neighbouring activations that are largest together, at batch
     * 1: what a compiled model holds at least.
     */
    long memoryBytes() {
      List<Shape> shapes = network.shapes();
      long most = 0;
      for (int i = 1; i < shapes.size(); i++) {
        most = Math.max(most, (long) shapes.get(i - 1).size() + shapes.get(i).size());
      }
      return Float.BYTES * (network.parameters() + most);
    }
  }

  private final RunRecord run;
  private final List<Seen> all = new ArrayList<>();

  private SeenNetworks(RunRecord run) {
    this.run = run;
  }

  /** In the order in which the run came to them. */
  static List<Seen> of(RunRecord run) {
    SeenNetworks seen = new SeenNetworks(run);
    seen.probable();
    seen.samples();
    seen.add(FOUND, "network found", run.found());
    seen.others();
    Trained random = run.random();
    if (random != null) {
      seen.add(BEST_OF_RANDOM, "best of random search", random);
    }
    return seen.all;
  }

  /** The latest epoch of each network that was the most probable one. */
  private void probable() {
    SearchSpace space = run.setup().space();
    if (!(space instanceof Space) || !Arrays.equals(space.options(), space.probabilityRows())) {
      return;
    }
    Map<List<Integer>, SearchEpoch> latest = new LinkedHashMap<>();
    for (SearchEpoch epoch : run.events().searched()) {
      int[] decisions = mostProbable(epoch.probabilities());
      if (decisions != null) {
        latest.put(Arrays.stream(decisions).boxed().toList(), epoch);
      }
    }
    latest.forEach(
        (decisions, epoch) -> {
          Architecture network = derived(decisions.stream().mapToInt(i -> i).toArray());
          if (network != null) {
            String name = String.format(Locale.ROOT, "epoch %d", epoch.epoch());
            double ms = run.table() == null ? Double.NaN : run.table().predict(network);
            all.add(new Seen(PROBABLE, name, epoch.validationAccuracy(), network, ms));
          }
        });
  }

  /** Null where nothing has been learned: all alike. */
  static int @Nullable [] mostProbable(double[][] probabilities) {
    int[] decisions = new int[probabilities.length];
    boolean learned = false;
    for (int d = 0; d < decisions.length; d++) {
      double[] p = probabilities[d];
      for (int j = 1; j < p.length; j++) {
        learned |= p[j] != p[0];
        if (p[j] > p[decisions[d]]) {
          decisions[d] = j;
        }
      }
    }
    return learned ? decisions : null;
  }

  private @Nullable Architecture derived(int[] decisions) {
    try {
      return run.setup().space().derive(decisions);
    } catch (SextantException e) {
      // Options that exclude one another can each be the most probable.
      return null;
    }
  }

  private void samples() {
    run.events()
        .drawn()
        .forEach(
            (stage, decisions) -> {
              List<TrainedEpoch> epochs = run.events().trained().getOrDefault(stage, List.of());
              Architecture network = derived(decisions);
              if (network != null && !epochs.isEmpty()) {
                double ms = run.table() == null ? Double.NaN : run.table().predict(network);
                double accuracy = epochs.getLast().validationAccuracy();
                all.add(new Seen(SAMPLE, stage.text(), accuracy, network, ms));
              }
            });
  }

  private void others() {
    for (int i = 2; i <= run.setup().config().budget().each().size(); i++) {
      StageName stage = new StageName.Training(new Contestant.OnFront(i));
      RunEvents.Outcome outcome = run.events().outcome(stage);
      Architecture network = run.network(i);
      if (outcome != null && network != null) {
        String name = String.format(Locale.ROOT, "budget %d", i);
        all.add(new Seen(FOUND, name, outcome.testAccuracy(), network, outcome.measuredMs()));
      }
    }
  }

  private void add(int kind, String name, Trained trained) {
    Architecture network = trained.network();
    if (network != null) {
      all.add(new Seen(kind, name, trained.testAccuracy(), network, trained.measuredMs()));
    }
  }

  /** Published networks that the space of the run has, for its images. */
  static Map<String, Architecture> published(SearchSpace space) {
    Map<String, Architecture> published = new LinkedHashMap<>();
    if (!(space instanceof Space chain)) {
      return published;
    }
    for (String name : Architectures.names()) {
      try {
        Architecture network = Architectures.named(name).withInput(chain.input(), chain.classes());
        if (has(chain, network)) {
          published.put(name, network);
        }
      } catch (SextantException e) {
        // Made for other images.
      }
    }
    return published;
  }

  private static boolean has(Space space, Architecture network) {
    if (network.layers().size() != space.positions().size()) {
      return false;
    }
    for (int i = 0; i < network.layers().size(); i++) {
      boolean there =
          switch (space.positions().get(i)) {
            case Position.Fixed(var layer) -> layer.equals(network.layers().get(i));
            case Position.Choice(var candidates) -> candidates.contains(network.layers().get(i));
          };
      if (!there) {
        return false;
      }
    }
    return true;
  }
}
