package dev.sextant.nas.predict;

import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import java.util.Arrays;

/**
 * Encoded architectures and what they were measured to take. The arrays are not copied and must not
 * be written any more.
 *
 * @param width features of an architecture
 * @param features {@code [count, width]}, row-major
 * @param ms {@code [count]}, each positive
 */
public record LatencySamples(int width, float[] features, double[] ms) {
  /** Checks that the sizes go together and that the latencies are positive. */
  public LatencySamples {
    if (width < 1 || features.length != (long) width * ms.length) {
      throw new SextantException(
          "samples: %d features of width %d for %d latencies"
              .formatted(features.length, width, ms.length));
    }
    for (int i = 0; i < ms.length; i++) {
      if (!(ms[i] > 0 && ms[i] < Double.POSITIVE_INFINITY)) {
        throw new SextantException("samples: latency %d is %s ms".formatted(i, ms[i]));
      }
    }
  }

  /** {@return how many there are} */
  public int count() {
    return ms.length;
  }

  /**
   * {@return the first {@code count} of them}
   *
   * @param count how many, at least 1
   * @throws SextantException if there are not as many
   */
  public LatencySamples first(int count) {
    if (count < 0 || count > count()) {
      throw new SextantException(
          "samples: the first %d of %d cannot be taken".formatted(count, count()));
    }
    return range(0, count);
  }

  private LatencySamples range(int from, int to) {
    return new LatencySamples(
        width,
        Arrays.copyOfRange(features, from * width, to * width),
        Arrays.copyOfRange(ms, from, to));
  }

  /**
   * The two parts of a {@link #split}.
   *
   * @param train samples to learn from
   * @param test samples to compare with
   */
  public record Split(LatencySamples train, LatencySamples test) {}

  /**
   * Shuffles and cuts: the first part holds {@code share} of the samples, rounded down.
   *
   * @param share above 0, below 1
   * @param seed of the order
   * @return both parts
   */
  public Split split(double share, long seed) {
    if (!(share > 0 && share < 1)) {
      throw new SextantException("samples: a share of " + share + " is not between 0 and 1");
    }
    int[] order = new int[count()];
    Arrays.setAll(order, i -> i);
    new Rng(seed).shuffle(order);
    float[] shuffled = new float[features.length];
    double[] latencies = new double[order.length];
    for (int i = 0; i < order.length; i++) {
      System.arraycopy(features, order[i] * width, shuffled, i * width, width);
      latencies[i] = ms[order[i]];
    }
    LatencySamples all = new LatencySamples(width, shuffled, latencies);
    int cut = (int) (share * count());
    return new Split(all.range(0, cut), all.range(cut, count()));
  }
}
