package dev.sextant.tensor;

/**
 * A seeded generator whose whole state is one {@code long}, so that a checkpoint can hold it:
 * SplitMix64 (Steele, Lea and Flood, OOPSLA 2014). Not thread-safe.
 */
public final class Rng {
  private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;

  private long state;

  /**
   * A generator that starts at a seed.
   *
   * @param seed any number; the same seed gives the same stream
   */
  public Rng(long seed) {
    state = mix(seed + GOLDEN_GAMMA);
  }

  /**
   * {@return a generator for one item of a family, such as one image of one epoch: streams with
   * different keys are independent, whatever order they are made in}
   *
   * @param seed any number; the same seed gives the same stream
   * @param keys which item, as in epoch and image
   */
  public static Rng of(long seed, long... keys) {
    long hash = mix(seed + GOLDEN_GAMMA);
    for (long key : keys) {
      hash = mix(hash ^ mix(key + GOLDEN_GAMMA));
    }
    Rng rng = new Rng(0);
    rng.state = hash;
    return rng;
  }

  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  /** {@return the state, for a checkpoint} */
  public long state() {
    return state;
  }

  /**
   * Continues from a state read back from a checkpoint.
   *
   * @param saved what {@link #state} returned
   */
  public void restore(long saved) {
    state = saved;
  }

  /** {@return 64 random bits} */
  public long nextLong() {
    state += GOLDEN_GAMMA;
    return mix(state);
  }

  /** {@return a number uniform in [0, 1)} */
  public double nextDouble() {
    return (nextLong() >>> 11) * 0x1p-53;
  }

  /**
   * {@return a number uniform in [low, high)}
   *
   * @param low the least value
   * @param high above {@code low}; not reached
   */
  public double uniform(double low, double high) {
    return low + (high - low) * nextDouble();
  }

  /**
   * {@return an integer uniform in [0, bound), without bias beyond 2^-32}
   *
   * @param bound at least 1; not reached
   */
  public int nextInt(int bound) {
    if (bound < 1) {
      throw new IllegalArgumentException("bound " + bound);
    }
    return (int) Math.unsignedMultiplyHigh(nextLong(), bound);
  }

  /** {@return a number that is normal with mean 0 and deviation 1} */
  public double nextGaussian() {
    double radius = Math.sqrt(-2 * Math.log(1 - nextDouble()));
    return radius * Math.cos(2 * Math.PI * nextDouble());
  }

  /**
   * {@return an index drawn with these probabilities, which add up to about 1}
   *
   * @param probabilities none negative
   */
  public int categorical(double[] probabilities) {
    double u = nextDouble();
    int last = 0;
    for (int i = 0; i < probabilities.length; i++) {
      if (probabilities[i] > 0) {
        last = i;
        u -= probabilities[i];
        if (u < 0) {
          return i;
        }
      }
    }
    return last;
  }

  /**
   * Shuffles in place (Fisher and Yates).
   *
   * @param values reordered
   */
  public void shuffle(int[] values) {
    for (int i = values.length - 1; i > 0; i--) {
      int j = nextInt(i + 1);
      int swap = values[i];
      values[i] = values[j];
      values[j] = swap;
    }
  }
}
