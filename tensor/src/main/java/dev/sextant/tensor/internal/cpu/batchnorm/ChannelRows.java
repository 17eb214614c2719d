package dev.sextant.tensor.internal.cpu.batchnorm;

import dev.sextant.tensor.internal.cpu.vector.VectorWidth;

/**
 * A dense tensor {@code [.., C]} seen as rows that vectors divide: some neighbouring rows of C
 * channels make one row of {@link #width}, so that few or odd channels fill vectors too. What is
 * left over at the end makes one shorter row. Reused from call to call.
 */
public final class ChannelRows {
  private static final int LANES = VectorWidth.SPECIES.length();

  /** Rows narrower than this spend their time on loop overhead. */
  private static final int NARROW = 128;

  /** Rows are not joined beyond this, so that the per-channel constants stay in the cache. */
  private static final int WIDE = 2048;

  int channels;

  /** Elements of a row: a multiple of the channels. */
  int width;

  /** The width rounded up to whole vectors: elements of a vector of per-channel constants. */
  public int stride;

  /** Views tensors of that many channels. */
  void view(int channelCount) {
    channels = channelCount;
    int joined = LANES / gcd(LANES, channels);
    if (joined * channels > WIDE) {
      joined = 1;
    }
    while (joined * channels < NARROW) {
      joined *= 2;
    }
    width = joined * channels;
    stride = (width + LANES - 1) / LANES * LANES;
  }

  private static int gcd(int a, int b) {
    return b == 0 ? a : gcd(b, a % b);
  }
}
