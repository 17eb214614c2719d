package dev.sextant.nas.data;

import dev.sextant.nas.data.scene.Scene;
import java.util.ArrayList;
import java.util.List;

/**
 * Images ready for a network. The arrays belong to whoever made the batch and are filled again
 * after it is handed back; only the first {@link #count()} images are valid.
 */
public final class Batch {
  private final float[] pixels;
  private final int[] labels;
  private final List<Scene> scenes = new ArrayList<>();
  private int count;
  private long epoch;
  private int index;
  private final int shares;

  Batch(int batchSize, int imageValues, int shares) {
    this.shares = shares;
    this.pixels = new float[batchSize * imageValues];
    this.labels = new int[batchSize];
  }

  void set(int filled, long fromEpoch, int number) {
    count = filled;
    epoch = fromEpoch;
    index = number;
  }

  /** {@return normalised pixels {@code [batch size, H, W, C]}} */
  public float[] pixels() {
    return pixels;
  }

  /** {@return labels {@code [batch size]}} */
  public int[] labels() {
    return labels;
  }

  /** {@return what stands in its images as they are seen; empty where labels are all there is} */
  public List<Scene> scenes() {
    return scenes;
  }

  /** {@return how many images it holds: the batch size, or fewer in the last batch of an epoch} */
  public int count() {
    return count;
  }

  /** {@return among how many workers the whole batch is shared, of which this is one's part} */
  public int shares() {
    return shares;
  }

  /** {@return the epoch it belongs to, from 0} */
  public long epoch() {
    return epoch;
  }

  /** {@return its number within the epoch, from 0} */
  public int index() {
    return index;
  }
}
