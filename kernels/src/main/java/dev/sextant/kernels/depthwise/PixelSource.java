package dev.sextant.kernels.depthwise;

import dev.sextant.kernels.channels.NormConstants;
import dev.sextant.kernels.ptx.Activations;
import dev.sextant.kernels.ptx.Assembler;
import dev.sextant.kernels.ptx.Operand.B32;
import dev.sextant.kernels.ptx.Operand.B64;
import dev.sextant.kernels.ptx.Operand.F32;
import dev.sextant.kernels.ptx.Operand.Pred;
import dev.sextant.kernels.stencil.ImageTiles;
import dev.sextant.tensor.Activation;
import org.jspecify.annotations.Nullable;

/**
 * Where a kernel over images takes its pixels from: an array as it is, one read through a batch
 * norm, or the gradient of a batch norm's input, of which only g and z are stored. Pixels outside
 * the image are zero, whatever the norm would make of zero.
 */
public final class PixelSource {
  private final Assembler k;
  private final Form form;
  private final B64 first;
  private final @Nullable B64 second;
  private final NormConstants.@Nullable Parameters parameters;
  private final @Nullable B64 dgamma;
  private final @Nullable B64 dbeta;
  private final @Nullable F32 share;

  /**
   * What the pixels are, part of a specialisation.
   *
   * @param activation of the norm they are read through; the identity elsewhere
   */
  public record Form(Kind kind, Activation activation) {
    /** The array as it is. */
    public static final Form PLAIN = new Form(Kind.PLAIN, Activation.IDENTITY);

    /** The gradient of a norm's input. */
    public static final Form GRADIENT = new Form(Kind.GRADIENT, Activation.IDENTITY);

    /** The array read through a batch norm. */
    public static Form normalized(Activation activation) {
      return new Form(Kind.NORMALIZED, activation);
    }

    String suffix(String name) {
      return switch (kind) {
        case PLAIN -> "";
        case NORMALIZED -> "_" + name + "norm" + Activations.suffix(activation);
        case GRADIENT -> "_" + name + "gradient";
      };
    }
  }

  /** Parameters as listed. */
  public enum Kind {
    /** The array. */
    PLAIN,
    /** The array, mean, variance, gamma, beta, epsilon. */
    NORMALIZED,
    /** g, z, mean, variance, gamma, beta, epsilon, dgamma, dbeta, 1 / rows of the whole batch. */
    GRADIENT
  }

  /**
   * Declares the parameters.
   *
   * @param name of the array; also in front of those of its norm
   */
  PixelSource(Assembler k, Form form, String name, String meaning) {
    this.k = k;
    this.form = form;
    boolean gradient = form.kind == Kind.GRADIENT;
    first = k.pointer(name, gradient ? "g of the norm: " + meaning : meaning);
    second = gradient ? k.pointer(name + "_z", "input of the norm") : null;
    parameters = form.kind == Kind.PLAIN ? null : NormConstants.Parameters.of(k, name + "_");
    dgamma = gradient ? k.pointer(name + "_dgamma", "sum of g x̂ of each channel") : null;
    dbeta = gradient ? k.pointer(name + "_dbeta", "sum of g of each channel") : null;
    share = gradient ? k.number(name + "_share", "1 / rows of the whole batch") : null;
  }

  /** Makes of the lane's values what the kernel computes with. */
  private interface Transform {
    F32 of(F32 first, F32 second, int lane);
  }

  /** Loads the constants of one thread's channels, which must exist. */
  Pixels of(ImageTiles tiles) {
    if (parameters == null) {
      return new Pixels(tiles, null);
    }
    NormConstants norm = new NormConstants(tiles.threads, parameters);
    if (dgamma == null || dbeta == null || share == null) {
      return new Pixels(tiles, (x, unused, lane) -> norm.apply(form.activation, x, lane));
    }
    F32[] ofX = shares(tiles.threads.vector(dgamma), share);
    F32[] ofG = shares(tiles.threads.vector(dbeta), share);
    return new Pixels(
        tiles,
        (g, z, lane) -> {
          F32 part = k.multiply(norm.normalized(z, lane), ofX[lane]);
          F32 centred = k.subtract(k.subtract(g, ofG[lane]), part);
          return k.multiply(norm.scale(lane), centred);
        });
  }

  private F32[] shares(F32[] sums, F32 share) {
    F32[] shares = new F32[sums.length];
    for (int lane = 0; lane < sums.length; lane++) {
      shares[lane] = k.multiply(sums[lane], share);
    }
    return shares;
  }

  /** The pixels of one thread's channels. */
  final class Pixels {
    private final ImageTiles tiles;
    private final @Nullable Transform transform;

    private Pixels(ImageTiles tiles, @Nullable Transform transform) {
      this.tiles = tiles;
      this.transform = transform;
    }

    /**
     * Loads pixels of one row at offsets from a column; those outside the image are zero.
     *
     * @param index of the element at offset 0, which may lie outside the row
     * @param offsets ascending
     */
    F32[][] load(B32 index, B32 column, int[] offsets, B32 across) {
      F32[][] pixels = new F32[offsets.length][];
      B64 step = tiles.pixelBytes;
      B64 start = k.multiply(step, offsets[0]);
      B64 next = k.add(k.element(first, index), start);
      B64 nextSecond = second == null ? null : k.add(k.element(second, index), start);
      for (int i = 0; i < offsets.length; i++) {
        for (int gap = i == 0 ? 0 : offsets[i] - offsets[i - 1]; gap > 0; gap--) {
          next = k.add(next, step);
          nextSecond = nextSecond == null ? null : k.add(nextSecond, step);
        }
        pixels[i] = pixel(next, nextSecond, k.within(k.add(column, offsets[i]), across));
      }
      return pixels;
    }

    private F32[] pixel(B64 address, @Nullable B64 addressSecond, Pred inside) {
      F32[] values = zeros();
      F32[] others = addressSecond == null ? values : zeros();
      k.under(
          inside,
          () -> {
            k.load(values, address, 0, true);
            if (addressSecond != null) {
              k.load(others, addressSecond, 0, true);
            }
          });
      if (transform == null) {
        return values;
      }
      F32[] results = new F32[values.length];
      for (int lane = 0; lane < values.length; lane++) {
        F32 result = transform.of(values[lane], others[lane], lane);
        results[lane] = k.select(inside, result, k.constant(0f));
      }
      return results;
    }

    private F32[] zeros() {
      F32[] zeros = k.registers(tiles.threads.width);
      for (F32 lane : zeros) {
        k.assign(lane, k.constant(0f));
      }
      return zeros;
    }
  }
}
