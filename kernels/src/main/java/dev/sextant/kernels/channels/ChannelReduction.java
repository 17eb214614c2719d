package dev.sextant.kernels.channels;

import dev.sextant.kernels.ptx.Activations;
import dev.sextant.kernels.ptx.Assembler;
import dev.sextant.kernels.ptx.BlockTree;
import dev.sextant.kernels.ptx.Kernel;
import dev.sextant.kernels.ptx.KernelSource;
import dev.sextant.kernels.ptx.Operand.B32;
import dev.sextant.kernels.ptx.Operand.B64;
import dev.sextant.kernels.ptx.Operand.F32;
import dev.sextant.tensor.Activation;
import java.util.Locale;
import java.util.function.Consumer;

/**
 * Reductions of rows of channels to one value for each channel, in two stages of a fixed order:
 * blocks reduce chunks of rows to partial quantities, then one kernel combines the chunks. Small
 * tensors take one pass. Grid: x over parts of the channels, y over chunks, z over images.
 *
 * @param activation fused into the quantity; the identity where it has none
 * @param width floats of a vector: 4, or 1 where channels or addresses are not multiples of it
 */
public record ChannelReduction(Quantity quantity, Pass pass, Activation activation, int width)
    implements KernelSource {
  /**
   * What is reduced. Parameters: what the pass reads (inputs as listed, or partial), what it writes
   * (results as listed, or partial), rows, rows of a chunk, channels.
   */
  public enum Quantity {
    /** Inputs x; results out = factor (sum of x), factor. */
    SUM(1),
    /** Inputs a, b; results out = sum of a b. */
    DOT(1),
    /**
     * Inputs x; results mean, variance (biased). A thread's sums are shifted by the first value it
     * meets; threads and chunks are merged as {@link Moments}.
     */
    STATISTICS(Moments.COUNT),
    /**
     * Inputs x, dy, mean, variance, gamma, beta, epsilon; results dgamma = sum of g x̂, dbeta = sum
     * of g with g = dy activation'(y).
     */
    BATCH_NORM_BACKWARD(2),
    /** The same, and g is written, where it may overwrite dy: g before mean. */
    BATCH_NORM_REDUCE(2),
    /**
     * Inputs x, dy; results gamma, beta, epsilon, out = the channel's part of the inner product of
     * dy with the batch norm of x (ProxylessNAS, Appendix D). Beside the moments of x, the sums of
     * dy and of dy (x - mean) are merged, so that nothing large cancels.
     */
    INNER_PRODUCT(Moments.COUNT + 2);

    private final int count;

    Quantity(int count) {
      this.count = count;
    }

    /** Vectors {@code [C]} of partial results that a chunk leaves. */
    public int count() {
      return count;
    }
  }

  /** Which of the two stages. */
  public enum Pass {
    /** Inputs to partial quantities {@code [chunks, quantities, C]}. */
    PARTIAL,
    /** Partial quantities of the chunks, as rows, to results. */
    COMBINE,
    /** Inputs to results, for one chunk. */
    WHOLE
  }

  @Override
  public String name() {
    return "reduce_"
        + quantity.name().toLowerCase(Locale.ROOT)
        + Activations.suffix(activation)
        + "_"
        + pass.name().toLowerCase(Locale.ROOT)
        + "_v"
        + width;
  }

  @Override
  public Kernel assemble() {
    Assembler k = new Assembler(name(), purpose(), THREADS);
    Reader reader = pass == Pass.COMBINE ? partialReader(k) : inputReader(k);
    Consumer<Thread> writer = pass == Pass.PARTIAL ? partialWriter(k) : resultWriter(k);
    B32 rows = k.integer("rows", "of each image, or chunks");
    B32 chunk = k.integer("chunk", "rows that a block reduces");
    B32 channels = k.integer("channels", "of each row");
    ChannelThreads threads = new ChannelThreads(k, width, channels, "%ctaid.x");
    BlockTree tree = new BlockTree(k, quantity.count, width);
    F32[][] sums = new F32[quantity.count][];
    for (int q = 0; q < sums.length; q++) {
      sums[q] = threads.zeros("sum" + q + "_");
    }
    Thread thread = new Thread(threads, sums, rows);
    k.when(
        "the channels exist",
        threads.inside,
        () -> {
          B32 begin = k.multiply(k.special("%ctaid.y"), chunk);
          B32 end = k.min(k.add(begin, chunk), rows);
          B32 first = k.add(begin, k.special("%tid.y"));
          reader.read(thread, new Rows(k, first, end, k.special("%ntid.y")));
        });
    tree.total(sums, (mine, other) -> merge(k, mine, other));
    k.when(
        "this thread has the total of channels that exist",
        k.and(threads.inside, k.equal(k.special("%tid.y"), k.constant(0))),
        () -> writer.accept(thread));
    return k.assemble();
  }

  private String purpose() {
    String of = quantity.name().toLowerCase(Locale.ROOT).replace('_', ' ');
    return switch (pass) {
      case PARTIAL -> of + " of chunks of rows, for each channel";
      case COMBINE -> of + " from those of chunks";
      case WHOLE -> of + " of all rows, for each channel";
    };
  }

  /** What one thread works with. */
  private record Thread(ChannelThreads channels, F32[][] sums, B32 rows) {
    /** The address of a row of the image that the block belongs to. */
    B64 at(B64 base, B32 row) {
      Assembler k = channels.k;
      return channels.at(base, k.multiplyAdd(k.special("%ctaid.z"), rows, row));
    }
  }

  /** Those of a chunk's rows that one thread reads: from its first to the end, by a step. */
  private record Rows(Assembler k, B32 first, B32 end, B32 step) {
    void each(Consumer<B32> body) {
      k.loop("row", first, end, step, body);
    }
  }

  /** Adds a thread's rows to its sums. */
  private interface Reader {
    void read(Thread thread, Rows rows);
  }

  private Reader partialReader(Assembler k) {
    B64 partial = k.pointer("partial", "[chunks, quantities, C]");
    return (thread, rows) ->
        rows.each(
            row -> {
              F32[][] other = new F32[quantity.count][];
              B32 from = k.multiply(row, quantity.count);
              for (int q = 0; q < other.length; q++) {
                other[q] = k.load(thread.channels.at(partial, k.add(from, q)), 0, width, true);
              }
              merge(k, thread.sums, other);
            });
  }

  private Reader inputReader(Assembler k) {
    B64 x = k.pointer(quantity == Quantity.DOT ? "a" : "x", "[N, rows, C]");
    return switch (quantity) {
      case SUM ->
          (thread, rows) ->
              rows.each(
                  row -> {
                    F32[] xs = k.load(thread.at(x, row), 0, width, true);
                    BlockTree.add(k, thread.sums, new F32[][] {xs});
                  });
      case DOT -> {
        B64 b = k.pointer("b", "[N, rows, C]");
        yield (thread, rows) ->
            rows.each(
                row -> {
                  F32[] as = k.load(thread.at(x, row), 0, width, true);
                  F32[] bs = k.load(thread.at(b, row), 0, width, true);
                  for (int lane = 0; lane < width; lane++) {
                    F32 sum = thread.sums[0][lane];
                    k.fmaTo(sum, as[lane], bs[lane], sum);
                  }
                });
      }
      case STATISTICS, INNER_PRODUCT -> momentsReader(k, x);
      case BATCH_NORM_BACKWARD, BATCH_NORM_REDUCE -> backwardReader(k, x);
    };
  }

  /**
   * Sums hold {@link Moments}, for the inner product also the sums of dy and dy (x - mean). A
   * thread shifts x by the first value it meets.
   */
  private Reader momentsReader(Assembler k, B64 x) {
    B64 dy = quantity == Quantity.INNER_PRODUCT ? k.pointer("dy", "output gradient") : null;
    return (thread, rows) ->
        k.when(
            "this thread has a row",
            k.less(rows.first, rows.end),
            () -> {
              k.comment("shifted by the first value, against cancellation");
              F32[] shift = k.load(thread.at(x, rows.first), 0, width, true);
              F32[] distance = thread.channels.zeros("distance");
              F32[] square = thread.channels.zeros("square");
              F32[][] sums = thread.sums;
              F32 count = k.variable("count", k.constant(0f));
              rows.each(
                  row -> {
                    F32[] xs = k.load(thread.at(x, row), 0, width, true);
                    F32[] dys = dy == null ? xs : k.load(thread.at(dy, row), 0, width, true);
                    for (int lane = 0; lane < width; lane++) {
                      F32 shifted = k.subtract(xs[lane], shift[lane]);
                      k.addTo(distance[lane], distance[lane], shifted);
                      k.fmaTo(square[lane], shifted, shifted, square[lane]);
                      if (dy != null) {
                        k.addTo(sums[3][lane], sums[3][lane], dys[lane]);
                        k.fmaTo(sums[4][lane], dys[lane], shifted, sums[4][lane]);
                      }
                    }
                    k.addTo(count, count, k.constant(1f));
                  });
              F32 share = k.divide(k.constant(1f), count);
              for (int lane = 0; lane < width; lane++) {
                F32 mean = k.multiply(distance[lane], share);
                F32 lost = k.multiply(distance[lane], mean);
                F32 rest = k.max(k.subtract(square[lane], lost), k.constant(0f));
                k.assign(sums[0][lane], count);
                k.addTo(sums[1][lane], shift[lane], mean);
                k.assign(sums[2][lane], rest);
                if (dy != null) {
                  F32 moved = k.multiply(mean, sums[3][lane]);
                  k.assign(sums[4][lane], k.subtract(sums[4][lane], moved));
                }
              }
            });
  }

  private Reader backwardReader(Assembler k, B64 x) {
    B64 dy = k.pointer("dy", "gradient of the output");
    B64 gs =
        quantity == Quantity.BATCH_NORM_REDUCE
            ? k.pointer("g", "dy activation'(y), [N, rows, C]")
            : null;
    NormConstants.Parameters parameters = NormConstants.Parameters.of(k);
    return (thread, rows) -> {
      NormConstants norm = new NormConstants(thread.channels, parameters);
      rows.each(
          row -> {
            F32[] xs = k.load(thread.at(x, row), 0, width, true);
            F32[] dys = k.load(thread.at(dy, row), 0, width, gs == null);
            F32[] results = new F32[width];
            for (int lane = 0; lane < width; lane++) {
              F32 normalized = norm.normalized(xs[lane], lane);
              F32 g = norm.backward(activation, normalized, dys[lane], lane);
              results[lane] = g;
              k.fmaTo(thread.sums[0][lane], g, normalized, thread.sums[0][lane]);
              k.addTo(thread.sums[1][lane], thread.sums[1][lane], g);
            }
            if (gs != null) {
              k.store(thread.at(gs, row), 0, results);
            }
          });
    };
  }

  private void merge(Assembler k, F32[][] mine, F32[][] other) {
    switch (quantity) {
      case SUM, DOT, BATCH_NORM_BACKWARD, BATCH_NORM_REDUCE -> BlockTree.add(k, mine, other);
      case STATISTICS -> Moments.merge(k, mine, other);
      case INNER_PRODUCT -> Moments.mergeWithProducts(k, mine, other);
    }
  }

  private Consumer<Thread> partialWriter(Assembler k) {
    B64 partial = k.pointer("partial", "[chunks, quantities, C]");
    return thread -> {
      B32 to = k.multiply(k.special("%ctaid.y"), quantity.count);
      for (int q = 0; q < quantity.count; q++) {
        k.store(thread.channels.at(partial, k.add(to, q)), 0, thread.sums[q]);
      }
    };
  }

  private Consumer<Thread> resultWriter(Assembler k) {
    return switch (quantity) {
      case SUM -> {
        B64 out = k.pointer("out", "[N, C]");
        F32 factor = k.number("factor", "of every sum");
        yield thread -> store(k, out, thread, lane -> k.multiply(thread.sums[0][lane], factor));
      }
      case DOT -> {
        B64 out = k.pointer("out", "[N, C]");
        yield thread -> store(k, out, thread, lane -> thread.sums[0][lane]);
      }
      case STATISTICS -> {
        B64 mean = k.pointer("mean", "of each channel");
        B64 variance = k.pointer("variance", "of each channel, biased");
        yield thread -> {
          store(k, mean, thread, lane -> thread.sums[1][lane]);
          store(k, variance, thread, lane -> variance(k, thread.sums, lane));
        };
      }
      case BATCH_NORM_BACKWARD, BATCH_NORM_REDUCE -> {
        B64 dgamma = k.pointer("dgamma", "sum of g x̂ of each channel");
        B64 dbeta = k.pointer("dbeta", "sum of g of each channel");
        yield thread -> {
          store(k, dgamma, thread, lane -> thread.sums[0][lane]);
          store(k, dbeta, thread, lane -> thread.sums[1][lane]);
        };
      }
      case INNER_PRODUCT -> innerProductWriter(k);
    };
  }

  /** gamma / deviation (sum of dy (x - mean)) + beta (sum of dy). */
  private Consumer<Thread> innerProductWriter(Assembler k) {
    B64 gamma = k.pointer("gamma", "scale of each channel");
    B64 beta = k.pointer("beta", "offset of each channel");
    F32 epsilon = k.number("epsilon", "added to the variance");
    B64 out = k.pointer("out", "inner product of each channel");
    return thread -> {
      F32[] gammas = thread.channels.vector(gamma);
      F32[] betas = thread.channels.vector(beta);
      F32[][] sums = thread.sums;
      store(
          k,
          out,
          thread,
          lane -> {
            F32 variance = variance(k, sums, lane);
            F32 scale = k.divide(gammas[lane], k.squareRoot(k.add(variance, epsilon)));
            return k.fma(scale, sums[4][lane], k.multiply(betas[lane], sums[3][lane]));
          });
    };
  }

  /** Biased; 0 where there are no rows. */
  private static F32 variance(Assembler k, F32[][] moments, int lane) {
    return k.divide(moments[2][lane], k.max(moments[0][lane], k.constant(1f)));
  }

  private interface LaneResult {
    F32 of(int lane);
  }

  /** Writes this thread's results to row {@code ctaid.z} of {@code [N, C]}. */
  private void store(Assembler k, B64 out, Thread thread, LaneResult result) {
    F32[] results = new F32[width];
    for (int lane = 0; lane < width; lane++) {
      results[lane] = result.of(lane);
    }
    k.store(thread.channels.at(out, k.special("%ctaid.z")), 0, results);
  }
}
