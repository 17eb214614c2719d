package dev.sextant.tensor.internal.cpu.depthwise;

import dev.sextant.tensor.Tensor;
import java.util.Arrays;

/**
 * Mean and variance of each channel from those of slices, joined in double and in a fixed order
 * (Chan, Golub and LeVeque, 1983).
 */
public final class DepthwiseStatistics {
  private static final int LANES = DepthwiseTiles.LANES;

  /** Elements seen by each worker, {@code [workers, tiles]}. */
  private double[] counts = {};

  /** {@code [workers, tiles, lanes]}. */
  private double[] means = {};

  /** Sums of squared differences from the mean, {@code [workers, tiles, lanes]}. */
  private double[] squares = {};

  private int tiles;

  /** Forgets what was added. */
  public void reset(int workers, int ofTiles) {
    tiles = ofTiles;
    int size = workers * tiles;
    if (counts.length < size) {
      counts = new double[size];
      means = new double[size * LANES];
      squares = new double[size * LANES];
    }
    Arrays.fill(counts, 0, size, 0);
    Arrays.fill(means, 0, size * LANES, 0);
    Arrays.fill(squares, 0, size * LANES, 0);
  }

  /**
   * Adds a slice.
   *
   * @param shift where the tiles' shifts lie; sums of v - shift and of its square follow, {@code
   *     plane} elements apart
   * @param count elements of each channel in the slice
   */
  void add(int worker, int fromTile, int tileCount, float[] a, int shift, int plane, int count) {
    for (int tile = 0; tile < tileCount; tile++) {
      int unit = worker * tiles + fromTile + tile;
      double before = counts[unit];
      double total = before + count;
      counts[unit] = total;
      for (int lane = 0; lane < LANES; lane++) {
        int at = shift + tile * LANES + lane;
        double difference = a[at + plane] / (double) count;
        double square = a[at + 2 * plane] - a[at + plane] * difference;
        join(unit * LANES + lane, before, a[at] + difference, square, count, total);
      }
    }
  }

  private void join(int at, double before, double mean, double square, double count, double total) {
    double delta = mean - means[at];
    double part = count / total;
    means[at] += delta * part;
    squares[at] += square + delta * delta * before * part;
  }

  /** Writes the mean and the (biased) variance of each channel over all workers. */
  public void total(int workers, int channels, Tensor mean, Tensor variance) {
    for (int tile = 0; tile < tiles; tile++) {
      for (int worker = 1; worker < workers; worker++) {
        int unit = worker * tiles + tile;
        if (counts[unit] > 0) {
          double before = counts[tile];
          double total = before + counts[unit];
          counts[tile] = total;
          for (int lane = 0; lane < LANES; lane++) {
            int from = unit * LANES + lane;
            int to = tile * LANES + lane;
            join(to, before, means[from], squares[from], counts[unit], total);
          }
        }
      }
      int first = DepthwiseTiles.channel(tile, channels);
      for (int lane = 0; lane < Math.min(LANES, channels); lane++) {
        int at = tile * LANES + lane;
        mean.floats()[mean.offset() + first + lane] = (float) means[at];
        double square = Math.max(0, squares[at] / counts[tile]);
        variance.floats()[variance.offset() + first + lane] = (float) square;
      }
    }
  }
}
