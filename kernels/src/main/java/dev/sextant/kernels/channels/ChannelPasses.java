package dev.sextant.kernels.channels;

import dev.sextant.kernels.channels.ChannelMap.Formula;
import dev.sextant.kernels.channels.ChannelReduction.Pass;
import dev.sextant.kernels.channels.ChannelReduction.Quantity;
import dev.sextant.kernels.device.Kernels;
import dev.sextant.kernels.driver.Launch;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * How kernels over rows of channels are launched: maps with per-channel constants, and reductions
 * to channels in one stage or two. Confined to one thread.
 */
public final class ChannelPasses {
  /** Rows that a thread reduces at least, so that a partial result is worth its writing. */
  private static final int ROWS_OF_THREAD = 8;

  /** Blocks for each processor: enough to hide the latency of memory. */
  private static final int BLOCKS_OF_PROCESSOR = 8;

  private final Kernels kernels;

  /** Kernels that are loaded there. */
  public ChannelPasses(Kernels kernels) {
    this.kernels = kernels;
  }

  /**
   * Launches a map: inputs, vectors, rest, residual, out.
   *
   * @param more tensors that rest passes, for their alignment
   */
  public void map(
      Formula formula,
      Activation activation,
      int images,
      Tensor[] inputs,
      Tensor[] vectors,
      Consumer<Launch> rest,
      @Nullable Tensor residual,
      Tensor out,
      Tensor... more) {
    if (out.size() == 0) {
      return;
    }
    int channels = out.shape().channels();
    int rows = out.shape().rows() / images;
    boolean wide =
        Kernels.width(channels, inputs) > 1
            && Kernels.aligned(Kernels.VECTOR, vectors)
            && Kernels.aligned(Kernels.VECTOR, residual, out)
            && Kernels.aligned(Kernels.VECTOR, more);
    int width = wide ? Kernels.VECTOR : 1;
    Launch launch = kernels.of(new ChannelMap(formula, activation, residual != null, width));
    Kernels.arguments(launch, inputs);
    Kernels.arguments(launch, vectors);
    rest.accept(launch);
    if (residual != null) {
      Kernels.argument(launch, residual);
    }
    ChannelBlocks blocks = ChannelBlocks.of(channels, width, rows);
    int most =
        Math.max(1, BLOCKS_OF_PROCESSOR * kernels.driver().properties().processors() / images);
    int groups = Math.min(Kernels.ceil(rows, blocks.y()), most);
    Kernels.argument(launch, out)
        .integer(rows)
        .integer(channels)
        .grid(groups, blocks.parts(), images)
        .block(blocks.x(), blocks.y())
        .run();
  }

  /** Launches one stage or two. */
  public void reduce(
      Quantity quantity,
      Activation activation,
      Shape shape,
      int images,
      int width,
      Consumer<Launch> inputs,
      Consumer<Launch> results) {
    int channels = shape.channels();
    if (channels == 0 || images == 0) {
      return;
    }
    int rows = shape.rows() / images;
    ChannelBlocks blocks = ChannelBlocks.of(channels, width, Math.max(1, rows));
    int chunks = 1;
    int chunk = rows;
    if (images == 1) {
      int most =
          Kernels.ceil(
              BLOCKS_OF_PROCESSOR * kernels.driver().properties().processors(), blocks.parts());
      chunk = Math.max(Kernels.ceil(rows, most), ROWS_OF_THREAD * blocks.y());
      chunks = Math.max(1, Kernels.ceil(rows, chunk));
    }
    if (chunks == 1) {
      Launch whole = kernels.of(new ChannelReduction(quantity, Pass.WHOLE, activation, width));
      inputs.accept(whole);
      results.accept(whole);
      run(whole, blocks, rows, rows, channels, 1, images);
      return;
    }
    int partials = chunks * quantity.count() * channels;
    try (Tensor partial = kernels.workspace(partials, "partial sums")) {
      Launch first = kernels.of(new ChannelReduction(quantity, Pass.PARTIAL, activation, width));
      inputs.accept(first);
      Kernels.argument(first, partial);
      run(first, blocks, rows, chunk, channels, chunks, 1);
      // The sums no longer hold the activation: one kernel combines those of all activations.
      Launch second =
          kernels.of(new ChannelReduction(quantity, Pass.COMBINE, Activation.IDENTITY, width));
      Kernels.argument(second, partial);
      results.accept(second);
      ChannelBlocks combine = ChannelBlocks.of(channels, width, chunks);
      run(second, combine, chunks, chunks, channels, 1, 1);
    }
  }

  /** The sum of parts seen as {@code [chunks, out.size()]}. */
  public void sumOfChunks(Tensor parts, int chunks, Tensor out) {
    sum(parts, Shape.of(chunks, out.size()), 1, 1f, out);
  }

  /** out[n, c] = factor (the sum of x, seen as that shape, over the rows of an image). */
  public void sum(Tensor x, Shape shape, int images, float factor, Tensor out) {
    reduce(
        Quantity.SUM,
        Activation.IDENTITY,
        shape,
        images,
        Kernels.width(shape.channels(), x, out),
        launch -> Kernels.argument(launch, x),
        launch -> Kernels.argument(launch, out).number(factor));
  }

  /** Launches a reduction of rows in chunks. */
  public static void run(
      Launch launch,
      ChannelBlocks blocks,
      int rows,
      int chunk,
      int channels,
      int chunks,
      int images) {
    launch
        .integer(rows)
        .integer(chunk)
        .integer(channels)
        .grid(blocks.parts(), chunks, images)
        .block(blocks.x(), blocks.y())
        .run();
  }
}
