package dev.sextant.nas.cells;

import dev.sextant.nas.measure.OtherWork;
import dev.sextant.nas.space.CellNetworks;
import dev.sextant.nas.space.CellSpace;
import dev.sextant.nas.space.Genotype;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.Latency.Percentile;
import dev.sextant.runtime.Weights;
import dev.sextant.runtime.layer.Cell.Edge;
import dev.sextant.runtime.layer.Cell.Kind;
import dev.sextant.runtime.layer.Cell.Node;
import dev.sextant.runtime.layer.Cell.Op;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.Rng;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.function.IntConsumer;
import java.util.function.ToDoubleFunction;

/**
 * Measures what a latency predictor of cells is trained on (section 3.2): random cells in the
 * network for small images, with random weights, on the compiled runtime of this machine.
 *
 * <p>The paper leaves reduction cells out, as they "are often composed of weight-free operators":
 * with one type of cells they are pooling alone. In a network of few cells they count as much as
 * the others, and both types are varied.
 *
 * @param space whose cells are sampled
 * @param width of the first cells of the measured networks
 * @param cells of the measured networks
 * @param types of cells that vary: 1 for the normal cell alone (the paper), 2 for both
 * @param threads that share each kernel
 * @param batch images at once
 * @param percentile that a network's latency is; where it is the median, the fastest run stands for
 *     it
 */
public record CellLatencies(
    CellSpace space,
    int width,
    int cells,
    int types,
    int threads,
    int batch,
    Percentile percentile) {
  /**
   * Medians.
   *
   * @param space whose cells are sampled
   * @param width of the first cells of the measured networks
   * @param cells of the measured networks
   * @param types of cells that vary
   * @param threads that share each kernel
   * @param batch images at once
   */
  public CellLatencies(CellSpace space, int width, int cells, int types, int threads, int batch) {
    this(space, width, cells, types, threads, batch, Percentile.P50);
  }

  /** Runs before the first that counts. */
  private static final int WARM_UP_RUNS = 2;

  /** Runs of which the fastest counts: whatever else runs on a machine only ever adds. */
  private static final int RUNS = 15;

  /** Runs of which a percentile beyond the median is taken. */
  private static final int RUNS_OF_A_TAIL = 100;

  /**
   * Times each network is measured, at moments far apart: a processor shared with others slows down
   * for seconds.
   */
  public static final int ROUNDS = 3;

  /** Times more, where the two shortest differ by more than {@link #SPREAD}. */
  private static final int MORE_ROUNDS = 3;

  /** Of the least. */
  private static final double SPREAD = 0.3;

  /** Share of the networks that may be so; the others outvote them when a predictor is trained. */
  private static final double MOST_APART = 0.1;

  /**
   * {@return random cells to measure, the same for the same seed}
   *
   * @param count how many
   * @param seed of the draw
   */
  public List<Genotype> sample(int count, long seed) {
    CellParameters uniform = CellParameters.zeros(space);
    Rng rng = new Rng(seed);
    List<Genotype> sampled = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      List<Node> normal = CellEncoding.sample(uniform, 1, rng);
      sampled.add(
          new Genotype(normal, types == 1 ? pooled(space) : CellEncoding.sample(uniform, 2, rng)));
    }
    return sampled;
  }

  /** The cell of pooling alone. */
  static List<Node> pooled(CellSpace space) {
    Op pool = new Op(Kind.MAX_POOL, 3);
    Node pooled = new Node(List.of(new Edge(0, pool), new Edge(1, pool)));
    return Collections.nCopies(space.nodes(), pooled);
  }

  /**
   * {@return the network that stands for cells}
   *
   * @param genotype of the cells
   */
  public Architecture network(Genotype genotype) {
    return CellNetworks.small("cell", genotype, space.input(), space.classes(), width, cells);
  }

  /**
   * {@return cells with latencies that were measured elsewhere}
   *
   * @param genotypes the cells
   * @param ms of the {@link #network} of each
   */
  public CellSamples samples(List<Genotype> genotypes, double[] ms) {
    return new CellSamples(space, types, genotypes, ms, List.of());
  }

  /**
   * Measures cells. Networks whose two shortest times are far apart are measured again.
   *
   * @param genotypes the cells, each in a network of its own
   * @param progress told the number of measurements done, of {@link #ROUNDS} for each
   * @return the cells, their latencies in ms, and what tells that they were disturbed
   */
  public CellSamples measure(List<Genotype> genotypes, IntConsumer progress) {
    warmUp(genotypes);
    return measure(genotypes, progress, this::measure);
  }

  /** With times that are taken in another way. */
  CellSamples measure(
      List<Genotype> genotypes, IntConsumer progress, ToDoubleFunction<Genotype> timer) {
    int count = genotypes.size();
    double[] least = new double[count];
    double[] second = new double[count];
    Arrays.fill(least, Double.POSITIVE_INFINITY);
    Arrays.fill(second, Double.POSITIVE_INFINITY);
    int apart = 0;
    List<String> others;
    try (OtherWork work = OtherWork.during("the measuring of networks of cells")) {
      for (int round = 0; round < ROUNDS + MORE_ROUNDS; round++) {
        apart = 0;
        for (int i = 0; i < count; i++) {
          if (round < ROUNDS || second[i] > least[i] * (1 + SPREAD)) {
            double ms = timer.applyAsDouble(genotypes.get(i));
            second[i] = Math.min(second[i], Math.max(least[i], ms));
            least[i] = Math.min(least[i], ms);
          }
          apart += second[i] > least[i] * (1 + SPREAD) ? 1 : 0;
          progress.accept(Math.min(round, ROUNDS - 1) * count + i + 1);
        }
      }
      others = apart > MOST_APART * count ? work.seen() : List.of();
    }
    List<String> doubts = new ArrayList<>();
    if (apart > MOST_APART * count) {
      doubts.add(
          String.format(
              Locale.ROOT,
              "%d of %d networks of cells took %.0f %% longer the second time than the first",
              apart,
              count,
              100 * SPREAD));
      doubts.addAll(others);
    }
    return new CellSamples(space, types, genotypes, least, doubts);
  }

  private CompiledModel compiled(Architecture network) {
    return CompiledModel.compile(network, Weights.random(network, 1), Device.CPU, threads, batch);
  }

  /** All kernels are compiled by the JIT before the first measurement. */
  private void warmUp(List<Genotype> genotypes) {
    for (Genotype genotype : genotypes.subList(0, Math.min(20, genotypes.size()))) {
      try (CompiledModel model = compiled(network(genotype))) {
        model.warmUp();
      }
    }
  }

  private double measure(Genotype genotype) {
    try (CompiledModel model = compiled(network(genotype))) {
      float[] images = new float[space.input().shape(batch).size()];
      Rng rng = new Rng(2);
      for (int i = 0; i < images.length; i++) {
        images[i] = (float) rng.nextGaussian();
      }
      float[] logits = new float[batch * space.classes()];
      long[] nanos = new long[percentile == Percentile.P50 ? RUNS : RUNS_OF_A_TAIL];
      for (int run = -WARM_UP_RUNS; run < nanos.length; run++) {
        long start = System.nanoTime();
        model.run(images, logits);
        nanos[Math.max(0, run)] = System.nanoTime() - start;
      }
      Arrays.sort(nanos);
      int rank =
          switch (percentile) {
            case P50 -> 0;
            case P90 -> nanos.length * 90 / 100 - 1;
            case P99 -> nanos.length * 99 / 100 - 1;
          };
      return nanos[rank] / 1e6;
    }
  }
}
