package dev.sextant.tensor.internal.cpu.depthwise;

/**
 * Neighbouring channels of one image for each worker, in scratch memory: what a product left there
 * for a depthwise kernel, or the other way round. Set before a team runs and only read by the
 * workers.
 *
 * <p>A worker has one block of tiles there at a time; the block's first channel is column 0.
 */
public final class DepthwiseSlab {
  private static final float[] NONE = {};

  public float[] array = NONE;

  /** Elements from one pixel to the next. */
  public int step;

  private int offset;
  private int perWorker;

  /** The slab of worker 0 is there, those of the others follow that far apart. */
  public void at(float[] floats, int first, int apart, int pixelStep) {
    array = floats;
    offset = first;
    perWorker = apart;
    step = pixelStep;
  }

  /** Forgets the array. */
  public void clear() {
    array = NONE;
  }

  /** Where a worker's slab begins. */
  public int of(int worker) {
    return offset + worker * perWorker;
  }

  /**
   * Where channel 0 of a pixel would be, were it in the slab.
   *
   * @param firstTile of the worker's block
   */
  public int row(int worker, int pixel, int firstTile) {
    return of(worker) + pixel * step - firstTile * DepthwiseTiles.LANES;
  }
}
