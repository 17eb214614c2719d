package dev.sextant.kernels.cuda;

import dev.sextant.kernels.driver.Launch;
import dev.sextant.kernels.family.ChannelMap;
import dev.sextant.kernels.family.ChannelMap.Formula;
import dev.sextant.kernels.family.ChannelReduction;
import dev.sextant.kernels.family.ChannelReduction.Quantity;
import dev.sextant.kernels.family.ChannelReduction.Stage;
import dev.sextant.kernels.family.CopyChannels;
import dev.sextant.kernels.family.Elementwise;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend.BatchNorm;
import dev.sextant.tensor.Backend.NormGradient;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Kernels over rows of channels: maps with per-channel constants, and reductions to channels. */
final class ChannelLaunches {
  /** Rows that a thread reduces at least, so that a partial result is worth its writing. */
  private static final int ROWS_OF_THREAD = 8;

  /** Blocks for each processor: enough to hide the latency of memory. */
  private static final int BLOCKS_OF_PROCESSOR = 8;

  private final Kernels kernels;
  private final ElementLaunches elements;

  ChannelLaunches(Kernels kernels, ElementLaunches elements) {
    this.kernels = kernels;
    this.elements = elements;
  }

  // ---- maps

  /** out = activation(x + bias) + residual; bias and residual may be absent. */
  void bias(
      Tensor x,
      @Nullable Tensor bias,
      Activation activation,
      @Nullable Tensor residual,
      Tensor out) {
    if (bias == null && residual == null) {
      elements.plain(Elementwise.Operation.ACTIVATE, activation, x, out);
      return;
    }
    Formula formula = bias == null ? Formula.NO_BIAS : Formula.BIAS;
    Tensor[] vectors = bias == null ? new Tensor[0] : new Tensor[] {bias};
    map(formula, activation, 1, new Tensor[] {x}, vectors, launch -> {}, residual, out);
  }

  /** out = x s, with s of each image. */
  void scale(Tensor x, Tensor s, Tensor out) {
    Tensor[] inputs = {x};
    Tensor[] vectors = {s};
    int images = x.shape().get(0);
    map(Formula.SCALE, Activation.IDENTITY, images, inputs, vectors, launch -> {}, null, out);
  }

  /** out = factor s, with s of each image. */
  void broadcast(Tensor s, float factor, Tensor out) {
    Tensor[] vectors = {s};
    map(
        Formula.BROADCAST,
        Activation.IDENTITY,
        out.shape().get(0),
        new Tensor[0],
        vectors,
        launch -> launch.number(factor),
        null,
        out);
  }

  void batchNorm(Tensor z, BatchNorm norm, @Nullable Tensor residual, Tensor out) {
    map(
        Formula.BATCH_NORM,
        norm.activation(),
        1,
        new Tensor[] {z},
        vectors(norm),
        launch -> launch.number(norm.epsilon()),
        residual,
        out);
  }

  void batchNormBackward(
      Tensor z, BatchNorm norm, Tensor dy, Tensor dz, Tensor dgamma, Tensor dbeta) {
    reduce(
        Quantity.BATCH_NORM_BACKWARD,
        norm.activation(),
        z.shape(),
        1,
        width(z, norm, dy, dgamma, dbeta),
        launch -> {
          Kernels.arguments(launch, z, dy);
          Kernels.arguments(launch, vectors(norm)).number(norm.epsilon());
        },
        launch -> Kernels.arguments(launch, dgamma, dbeta));
    normInputGradient(z, norm, dy, dgamma, dbeta, dz);
  }

  /** g = dy activation'(norm(z)) and its sums, in one pass; g may be dy. */
  void normReduce(Tensor z, Tensor dy, NormGradient gradient, Tensor g) {
    BatchNorm norm = gradient.norm();
    reduce(
        Quantity.BATCH_NORM_REDUCE,
        norm.activation(),
        z.shape(),
        1,
        width(z, norm, dy, g, gradient.dgamma(), gradient.dbeta()),
        launch -> {
          Kernels.arguments(launch, z, dy, g);
          Kernels.arguments(launch, vectors(norm)).number(norm.epsilon());
        },
        launch -> Kernels.arguments(launch, gradient.dgamma(), gradient.dbeta()));
  }

  private static int width(Tensor z, BatchNorm norm, Tensor... others) {
    boolean wide =
        Kernels.width(z.shape().channels(), z) > 1
            && Kernels.aligned(Kernels.VECTOR, others)
            && Kernels.aligned(Kernels.VECTOR, vectors(norm));
    return wide ? Kernels.VECTOR : 1;
  }

  /** The gradient of a norm's input, from its sums; dz may be dy. */
  void normInputGradient(
      Tensor z, BatchNorm norm, Tensor dy, Tensor dgamma, Tensor dbeta, Tensor dz) {
    float share = 1f / z.shape().rows();
    map(
        Formula.BATCH_NORM_BACKWARD,
        norm.activation(),
        1,
        new Tensor[] {z, dy},
        vectors(norm),
        launch -> Kernels.arguments(launch.number(norm.epsilon()), dgamma, dbeta).number(share),
        null,
        dz,
        dgamma,
        dbeta);
  }

  private static Tensor[] vectors(BatchNorm norm) {
    return new Tensor[] {norm.mean(), norm.variance(), norm.gamma(), norm.beta()};
  }

  /**
   * Launches a map: inputs, vectors, rest, residual, out.
   *
   * @param more tensors that rest passes, for their alignment
   */
  private void map(
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
    int most = Math.max(1, BLOCKS_OF_PROCESSOR * kernels.driver().info().processors() / images);
    int groups = Math.min(Kernels.ceil(rows, blocks.y()), most);
    Kernels.argument(launch, out)
        .integer(rows)
        .integer(channels)
        .grid(groups, blocks.parts(), images)
        .block(blocks.x(), blocks.y())
        .run();
  }

  void copyChannels(Tensor from, int fromChannel, Tensor to, int toChannel, int count) {
    int rows = from.shape().rows();
    if (rows == 0 || count == 0) {
      return;
    }
    int fromChannels = from.shape().channels();
    int toChannels = to.shape().channels();
    boolean wide =
        Kernels.aligned(Kernels.VECTOR, from, to)
            && (fromChannel | toChannel | count | fromChannels | toChannels) % Kernels.VECTOR == 0;
    int width = wide ? Kernels.VECTOR : 1;
    ChannelBlocks blocks = ChannelBlocks.of(count, width, rows);
    kernels
        .of(new CopyChannels(width))
        .pointer(DeviceStorage.address(from) + 4L * fromChannel, from.bytes() - 4L * fromChannel)
        .pointer(DeviceStorage.address(to) + 4L * toChannel, to.bytes() - 4L * toChannel)
        .integer(rows)
        .integer(count)
        .integer(fromChannels)
        .integer(toChannels)
        .grid(Kernels.ceil(rows, blocks.y()), blocks.parts(), 1)
        .block(blocks.x(), blocks.y())
        .run();
  }

  // ---- reductions

  /** out[c] = the sum of x over all rows. */
  void sum(Tensor x, Tensor out) {
    sum(x, x.shape(), 1, 1f, out);
  }

  /** out[n, c] = factor (the sum of x over the pixels of an image). */
  void imageSum(Tensor x, float factor, Tensor out) {
    sum(x, x.shape(), x.shape().get(0), factor, out);
  }

  /** The sum of parts seen as {@code [chunks, out.size()]}. */
  void sumOfChunks(Tensor parts, int chunks, Tensor out) {
    sum(parts, Shape.of(chunks, out.size()), 1, 1f, out);
  }

  private void sum(Tensor x, Shape shape, int images, float factor, Tensor out) {
    reduce(
        Quantity.SUM,
        Activation.IDENTITY,
        shape,
        images,
        Kernels.width(shape.channels(), x, out),
        launch -> Kernels.argument(launch, x),
        launch -> Kernels.argument(launch, out).number(factor));
  }

  /** out[n, c] = the sum of a b over the pixels of an image. */
  void imageDot(Tensor a, Tensor b, Tensor out) {
    reduce(
        Quantity.DOT,
        Activation.IDENTITY,
        a.shape(),
        a.shape().get(0),
        Kernels.width(a.shape().channels(), a, b, out),
        launch -> Kernels.arguments(launch, a, b),
        launch -> Kernels.argument(launch, out));
  }

  void statistics(Tensor z, Tensor mean, Tensor variance) {
    reduce(
        Quantity.STATISTICS,
        Activation.IDENTITY,
        z.shape(),
        1,
        Kernels.width(z.shape().channels(), z, mean, variance),
        launch -> Kernels.argument(launch, z),
        launch -> Kernels.arguments(launch, mean, variance));
  }

  /** Mean and variance from the moments of parts, {@code [parts, 3, C]}. */
  void combineStatistics(Tensor partial, int parts, Tensor mean, Tensor variance) {
    int count = mean.size();
    int width = Kernels.width(count, partial, mean, variance);
    Launch launch =
        kernels.of(
            new ChannelReduction(Quantity.STATISTICS, Stage.COMBINE, Activation.IDENTITY, width));
    Kernels.arguments(launch, partial, mean, variance);
    run(launch, ChannelBlocks.of(count, width, parts), parts, parts, count, 1, 1);
  }

  double innerProduct(Tensor z, Tensor dy, Tensor gamma, Tensor beta, float epsilon) {
    int channels = z.shape().channels();
    if (z.size() == 0) {
      return 0;
    }
    try (Tensor out = kernels.workspace(channels, "inner products")) {
      reduce(
          Quantity.INNER_PRODUCT,
          Activation.IDENTITY,
          z.shape(),
          1,
          Kernels.width(channels, z, dy, gamma, beta),
          launch -> Kernels.arguments(launch, z, dy),
          launch -> Kernels.argument(Kernels.arguments(launch, gamma, beta).number(epsilon), out));
      return kernels.hostSum(out);
    }
  }

  /** Launches one stage or two. */
  private void reduce(
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
          Kernels.ceil(BLOCKS_OF_PROCESSOR * kernels.driver().info().processors(), blocks.parts());
      chunk = Math.max(Kernels.ceil(rows, most), ROWS_OF_THREAD * blocks.y());
      chunks = Math.max(1, Kernels.ceil(rows, chunk));
    }
    if (chunks == 1) {
      Launch whole = kernels.of(new ChannelReduction(quantity, Stage.WHOLE, activation, width));
      inputs.accept(whole);
      results.accept(whole);
      run(whole, blocks, rows, rows, channels, 1, images);
      return;
    }
    int partials = chunks * quantity.count() * channels;
    try (Tensor partial = kernels.workspace(partials, "partial sums")) {
      Launch first = kernels.of(new ChannelReduction(quantity, Stage.PARTIAL, activation, width));
      inputs.accept(first);
      Kernels.argument(first, partial);
      run(first, blocks, rows, chunk, channels, chunks, 1);
      // The sums no longer hold the activation: one kernel combines those of all activations.
      Launch second =
          kernels.of(new ChannelReduction(quantity, Stage.COMBINE, Activation.IDENTITY, width));
      Kernels.argument(second, partial);
      results.accept(second);
      ChannelBlocks combine = ChannelBlocks.of(channels, width, chunks);
      run(second, combine, chunks, chunks, channels, 1, 1);
    }
  }

  private static void run(
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
