package dev.sextant.kernels.channels;

import dev.sextant.kernels.ptx.Activations;
import dev.sextant.kernels.ptx.Assembler;
import dev.sextant.kernels.ptx.Kernel;
import dev.sextant.kernels.ptx.KernelSource;
import dev.sextant.kernels.ptx.Operand.B32;
import dev.sextant.kernels.ptx.Operand.B64;
import dev.sextant.kernels.ptx.Operand.F32;
import dev.sextant.tensor.Activation;
import java.util.Arrays;
import java.util.Locale;

/**
 * Kernels that map rows of channels with constants of each channel. Grid: x over rows (each block
 * goes on with every {@code gridDim.x}-th group of rows, so that constants are loaded once), y over
 * parts of the channels, z over images.
 *
 * @param activation fused into it; the identity where it has none
 * @param residual whether a tensor is added to the result
 * @param width floats of a vector: 4, or 1 where channels or addresses are not multiples of it
 */
public record ChannelMap(Formula formula, Activation activation, boolean residual, int width)
    implements KernelSource {
  /** What is computed; parameters as listed, residual where there is one, out, rows, channels. */
  public enum Formula {
    /** out = activation(x + bias) + residual: x, bias. */
    BIAS("out = activation(x + bias)"),
    /** out = activation(x) + residual, with no bias: x. */
    NO_BIAS("out = activation(x)"),
    /** out = x s, with s of each image: x, s. */
    SCALE("out = x s[n, c]"),
    /** out = factor s, with s of each image: s, factor. */
    BROADCAST("out = factor s[n, c]"),
    /** out = activation(batch norm of x) + residual: x, mean, variance, gamma, beta, epsilon. */
    BATCH_NORM("out = activation(gamma (x - mean) / deviation + beta)"),
    /**
     * The gradient of the input of a batch norm: x, dy, mean, variance, gamma, beta, epsilon,
     * dgamma, dbeta, 1 / rows of the whole batch.
     */
    BATCH_NORM_BACKWARD(
        "out = gamma / deviation (g - mean of g - x̂ (mean of g x̂)), g = dy activation'(y)");

    private final String text;

    Formula(String text) {
      this.text = text;
    }
  }

  @Override
  public String name() {
    return "map_"
        + formula.name().toLowerCase(Locale.ROOT)
        + Activations.suffix(activation)
        + (residual ? "_residual" : "")
        + "_v"
        + width;
  }

  /** What one thread does with its lane of the elements loaded from the row. */
  private interface Lane {
    F32 result(F32[] loaded, int lane);
  }

  @Override
  public Kernel assemble() {
    Assembler k = new Assembler(name(), formula.text + (residual ? " + residual" : ""), THREADS);
    return switch (formula) {
      case NO_BIAS ->
          rows(k, read(k, "x"), threads -> (in, lane) -> Activations.apply(k, activation, in[0]));
      case BIAS -> {
        B64[] x = read(k, "x");
        B64 bias = k.pointer("bias", "of each channel");
        yield rows(
            k,
            x,
            threads -> {
              F32[] biases = threads.vector(bias);
              return (in, lane) -> Activations.apply(k, activation, k.add(in[0], biases[lane]));
            });
      }
      case SCALE -> {
        B64[] x = read(k, "x");
        B64 s = k.pointer("s", "factors [N, C]");
        yield rows(
            k,
            x,
            threads -> {
              F32[] factors = k.load(threads.at(s, k.special("%ctaid.z")), 0, width, true);
              return (in, lane) -> k.multiply(in[0], factors[lane]);
            });
      }
      case BROADCAST -> {
        B64 s = k.pointer("s", "values [N, C]");
        F32 factor = k.number("factor", "of every value");
        yield rows(
            k,
            new B64[0],
            threads -> {
              F32[] values = k.load(threads.at(s, k.special("%ctaid.z")), 0, width, true);
              return (in, lane) -> k.multiply(values[lane], factor);
            });
      }
      case BATCH_NORM -> {
        B64[] x = read(k, "x");
        NormConstants.Parameters parameters = NormConstants.Parameters.of(k);
        yield rows(
            k,
            x,
            threads -> {
              NormConstants norm = new NormConstants(threads, parameters);
              return (in, lane) -> norm.apply(activation, in[0], lane);
            });
      }
      case BATCH_NORM_BACKWARD -> batchNormBackward(k);
    };
  }

  private Kernel batchNormBackward(Assembler k) {
    B64[] in = read(k, "x", "dy");
    NormConstants.Parameters parameters = NormConstants.Parameters.of(k);
    B64 dgamma = k.pointer("dgamma", "sum of g x̂ of each channel");
    B64 dbeta = k.pointer("dbeta", "sum of g of each channel");
    F32 share = k.number("share", "1 / rows of the whole batch");
    return rows(
        k,
        in,
        threads -> {
          NormConstants norm = new NormConstants(threads, parameters);
          F32[] gammaSums = threads.vector(dgamma);
          F32[] betaSums = threads.vector(dbeta);
          F32[] ofX = new F32[width];
          F32[] ofG = new F32[width];
          for (int lane = 0; lane < width; lane++) {
            ofX[lane] = k.multiply(gammaSums[lane], share);
            ofG[lane] = k.multiply(betaSums[lane], share);
          }
          return (loaded, lane) -> {
            F32 normalized = norm.normalized(loaded[0], lane);
            F32 g = norm.backward(activation, normalized, loaded[1], lane);
            F32 centred = k.subtract(k.subtract(g, ofG[lane]), k.multiply(normalized, ofX[lane]));
            return k.multiply(norm.scale(lane), centred);
          };
        });
  }

  private static B64[] read(Assembler k, String... names) {
    B64[] bases = new B64[names.length];
    for (int i = 0; i < names.length; i++) {
      bases[i] = k.pointer(names[i], "[N, rows, C]");
    }
    return bases;
  }

  /** Writes the loop over rows. */
  private Kernel rows(Assembler k, B64[] inputs, Body body) {
    B64 added = residual ? k.pointer("residual", "[N, rows, C]") : null;
    B64 out = k.pointer("out", "[N, rows, C]");
    B32 rows = k.integer("rows", "of each image");
    B32 channels = k.integer("channels", "of each row");
    ChannelThreads threads = new ChannelThreads(k, width, channels, "%ctaid.y");
    k.when(
        "the channels exist",
        threads.inside,
        () -> {
          Lane map = body.of(threads);
          B32 image = k.multiply(k.special("%ctaid.z"), rows);
          B32 lanes = k.special("%ntid.y");
          B32 first = k.multiplyAdd(k.special("%ctaid.x"), lanes, k.special("%tid.y"));
          B32 step = k.multiply(k.special("%nctaid.x"), lanes);
          k.loop(
              "row",
              first,
              rows,
              step,
              row -> {
                B32 at = k.multiplyAdd(k.add(image, row), channels, threads.channel);
                F32[][] loaded = new F32[inputs.length][];
                for (int i = 0; i < inputs.length; i++) {
                  loaded[i] = k.load(k.element(inputs[i], at), 0, width, false);
                }
                F32[] rest = added == null ? null : k.load(k.element(added, at), 0, width, false);
                F32[] results = new F32[width];
                for (int lane = 0; lane < width; lane++) {
                  int l = lane;
                  F32[] in = Arrays.stream(loaded).map(v -> v[l]).toArray(F32[]::new);
                  F32 result = map.result(in, lane);
                  results[lane] = rest == null ? result : k.add(result, rest[lane]);
                }
                k.store(k.element(out, at), 0, results);
              });
        });
    return k.assemble();
  }

  /** Loads a thread's constants, then says what it does with each element. */
  private interface Body {
    Lane of(ChannelThreads threads);
  }
}
