package dev.sextant.tensor.internal.cpu;

/** The size of a worker's ring of padded source rows. */
final class DepthwiseRing {
  /**
   * Bytes that the rows of one block of channels may take: most of a 32 KiB first-level cache. At
   * least one vector of channels is taken whatever it needs.
   */
  private static final int BYTES = 24 << 10;

  /** More neighbouring vectors than this gain nothing: a block of them fills whole cache lines. */
  private static final int MOST_TILES = 8;

  private DepthwiseRing() {}

  /** How many tiles a worker takes at a time. */
  static int blockTiles(DepthwisePlan plan, int tiles) {
    long row = (long) plan.ringRows * plan.width * DepthwiseTiles.LANES * Float.BYTES;
    long fitting = Math.max(1, Math.min(MOST_TILES, BYTES / row));
    long blocks = (tiles + fitting - 1) / fitting;
    return blocks == 0 ? 1 : (int) ((tiles + blocks - 1) / blocks);
  }

  /** The first source row that any of these output rows reads. */
  static int firstRow(DepthwisePlan plan, int fromRow, int toRow) {
    int first = Integer.MAX_VALUE;
    for (int y = fromRow; y < toRow; y++) {
      if (plan.rowTaps[y] > 0) {
        first = Math.min(first, plan.firstRow[y]);
      }
    }
    return first;
  }
}
