package dev.sextant.tensor.internal.cpu.depthwise;

import dev.sextant.tensor.internal.cpu.team.WorkerTeam;
import java.util.Arrays;

/**
 * A depthwise kernel on a team: how output rows and tiles are divided among the workers.
 *
 * <p>The unit is one tile of one image, or of one of several bands of rows where images and tiles
 * are too few for the team. Workers take equal runs of units, and go through the rows of several
 * neighbouring tiles at a time. What is added up over a worker's units is added in their order, and
 * the division depends on the shapes and the number of workers alone.
 */
abstract class DepthwiseTask implements WorkerTeam.Task {
  static final int LANES = DepthwiseTiles.LANES;

  /** Units for each worker, so that uneven shares differ by a quarter at most. */
  private static final int LEAST_UNITS = 4;

  /**
   * Bytes that the rows of a block of neighbouring tiles may take, a part of the second-level
   * cache. Most tensors' rows are then fetched whole, one line after the other, which keeps more
   * lines under way than part of each pixel does (measured against 32 KiB: gradients 1.2 to 2 times
   * as fast, of 3x3 kernels on 32x32 pixels most; from 128 to 384 KiB do equally well).
   */
  private static final int BLOCK_BYTES = 192 << 10;

  /** The same where what is read is in the second-level cache: half of the first-level one. */
  private static final int NEAR_BLOCK_BYTES = 24 << 10;

  /**
   * Pixels at most that far apart are streamed one tile at a time: the processor sees one regular
   * stride and prefetches it (measured: at stride 1 and 384 to 768 bytes 1.1 to 1.8 times as fast
   * as three tiles at a time, at stride 2 alike, at 1536 bytes, of which a page holds few, slower).
   */
  private static final int PREFETCHED_BYTES = 1024;

  int images;
  public int outHeight;
  int outWidth;
  int channels;
  int kernel;

  /** Scratch of all workers; elements of each from {@link #workers} on. */
  float[] work = {};

  int workers;
  int workerSize;

  /** Most tiles that are worked on at a time. */
  int blockTiles;

  private int bands;

  /**
   * Divides the work.
   *
   * @param tileBytes that the rows of one tile take in the cache
   * @param streamed whether all that is done is to read one tensor and write another
   * @param near whether what is read is in the second-level cache
   */
  final void divide(int threads, long tileBytes, boolean streamed, boolean near) {
    int tiles = DepthwiseTiles.count(channels);
    long units = (long) images * tiles;
    long wanted = (long) LEAST_UNITS * threads;
    bands = units >= wanted ? 1 : (int) Math.min(outHeight, (wanted + units - 1) / units);
    boolean single = streamed && !near && channels * Float.BYTES <= PREFETCHED_BYTES;
    long bytes = near ? NEAR_BLOCK_BYTES : BLOCK_BYTES;
    long fitting = single ? 1 : Math.max(1, Math.min(tiles, bytes / tileBytes));
    long blocks = (tiles + fitting - 1) / fitting;
    blockTiles = (int) ((tiles + blocks - 1) / blocks);
  }

  /** Where a worker's scratch is. */
  public final int own(int worker) {
    return workers + worker * workerSize;
  }

  /** Makes a worker's scratch ready for its slices: clears it. */
  public void start(int worker) {
    int own = own(worker);
    Arrays.fill(work, own, own + workerSize, 0f);
  }

  @Override
  public final void run(int worker, int team) {
    start(worker);
    int own = own(worker);
    int tiles = DepthwiseTiles.count(channels);
    long units = (long) images * bands * tiles;
    long from = units * worker / team;
    long to = units * (worker + 1) / team;
    while (from < to) {
      int slice = (int) (from / tiles);
      int tile = (int) (from % tiles);
      int end = (int) Math.min(tiles, tile + Math.min(blockTiles, to - from));
      int band = slice % bands;
      int fromRow = (int) ((long) outHeight * band / bands);
      int toRow = (int) ((long) outHeight * (band + 1) / bands);
      slice(worker, own, slice / bands, fromRow, toRow, tile, end);
      from += end - tile;
    }
  }

  /**
   * Does some rows of some tiles of an image.
   *
   * @param own the worker's scratch, made ready before its first slice
   */
  abstract void slice(
      int worker, int own, int image, int fromRow, int toRow, int fromTile, int toTile);
}
