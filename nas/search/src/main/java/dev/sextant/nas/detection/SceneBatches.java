package dev.sextant.nas.detection;

import dev.sextant.nas.data.Augmentation.ColorJitter;
import dev.sextant.nas.data.ColorJitterer;
import dev.sextant.nas.data.Images;
import dev.sextant.nas.data.Normalization;
import dev.sextant.runtime.detection.Boxes;
import dev.sextant.runtime.image.Pixels;
import dev.sextant.runtime.image.Resampler;
import dev.sextant.tensor.Rng;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Batches of scenes to train on: each epoch in its own shuffled order; each image, as SSD's paper
 * has it (section 2.2), whole or cut to a part that keeps enough of some object, mirrored half the
 * time, its colours changed. Boxes go along.
 *
 * <p>Batch (epoch, index) is always the same for the same arguments. Confined to one thread; a
 * batch is valid until the next.
 */
public final class SceneBatches {
  private static final int ATTEMPTS = 50;
  private static final double[] LEAST_OVERLAPS = {0.1, 0.3, 0.5, 0.7, 0.9};
  private static final ColorJitter COLORS = new ColorJitter(0.2, 0.2, 0.2, 0.05);

  private final Scenes.Part part;
  private final Normalization normalization;
  private final boolean augmented;
  private final long seed;
  private final int size;
  private final int[] order;
  private final float[] pixels;
  private final byte[] bytes;
  private final byte[] cut;
  private final ColorJitterer jitterer;
  private final List<Scene> scenes = new ArrayList<>();
  private long shuffled = -1;

  /**
   * Batches of a part.
   *
   * @param part the images
   * @param normalization mean and deviation of each channel
   * @param size images in a batch; an incomplete last one of an epoch is left out if augmented
   * @param augmented whether images are shuffled and changed, or given as they are
   * @param seed of the order and the changes
   */
  public SceneBatches(
      Scenes.Part part, Normalization normalization, int size, boolean augmented, long seed) {
    this.part = part;
    this.normalization = normalization;
    this.augmented = augmented;
    this.seed = seed;
    this.size = Math.min(size, part.images().count());
    order = new int[part.images().count()];
    bytes = new byte[part.images().imageBytes()];
    cut = new byte[bytes.length];
    pixels = new float[this.size * bytes.length];
    jitterer = new ColorJitterer(part.images().channels());
  }

  /** {@return batches of one epoch, at least 1} */
  public int count() {
    return augmented ? order.length / size : (order.length + size - 1) / size;
  }

  /** {@return images of the largest batch} */
  public int size() {
    return size;
  }

  /** {@return the normalised pixels of the batch that was filled last, {@code [N, H, W, C]}} */
  public float[] pixels() {
    return pixels;
  }

  /** {@return what stands in its images, as they are seen} */
  public List<Scene> scenes() {
    return scenes;
  }

  /**
   * Makes a batch.
   *
   * @param epoch from 0
   * @param index of the batch in it, from 0
   */
  public void fill(long epoch, int index) {
    shuffle(epoch);
    scenes.clear();
    int end = Math.min(order.length, (index + 1) * size);
    for (int i = index * size; i < end; i++) {
      image(epoch, order[i], (i - index * size) * bytes.length);
    }
  }

  private void shuffle(long epoch) {
    if (shuffled != epoch) {
      for (int i = 0; i < order.length; i++) {
        order[i] = i;
      }
      if (augmented) {
        Rng.of(seed, epoch).shuffle(order);
      }
      shuffled = epoch;
    }
  }

  private void image(long epoch, int image, int at) {
    Images images = part.images();
    images.copyPixels(image, bytes, 0);
    Scene scene = part.scenes().get(image);
    if (!augmented) {
      write(bytes, false, at);
      normalize(at);
      scenes.add(scene);
      return;
    }
    Rng rng = Rng.of(seed, epoch, image);
    byte[] seen = bytes;
    float[] window = window(scene, rng);
    if (window != null) {
      crop(scene, window);
      scene = inside(scene, window);
      seen = cut;
    }
    boolean mirrored = rng.nextInt(2) == 0;
    write(seen, mirrored, at);
    jitterer.apply(COLORS, rng, pixels, at, images.height() * images.width());
    normalize(at);
    scenes.add(mirrored ? mirrored(scene) : scene);
  }

  /** A part of the scene's image in its pixels, or null for all of it. */
  private static float @Nullable [] window(Scene scene, Rng rng) {
    int mode = rng.nextInt(LEAST_OVERLAPS.length + 1);
    if (mode == LEAST_OVERLAPS.length || scene.objects().isEmpty()) {
      return null;
    }
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      double width = rng.uniform(0.3, 1) * scene.width();
      double height = rng.uniform(0.3, 1) * scene.height();
      double ratio = width / height * scene.height() / scene.width();
      double left = rng.uniform(0, scene.width() - width);
      double top = rng.uniform(0, scene.height() - height);
      float[] window = {(float) left, (float) top, (float) (left + width), (float) (top + height)};
      if (ratio >= 0.5 && ratio <= 2 && keepsOne(scene, window, LEAST_OVERLAPS[mode])) {
        return window;
      }
    }
    return null;
  }

  /** Whether enough of some object whose centre is in a window is in it. */
  private static boolean keepsOne(Scene scene, float[] window, double least) {
    for (Scene.Item item : scene.objects()) {
      float[] box = item.box();
      if (hasCentre(window, item)
          && Boxes.shared(box, 0, window, 0) >= least * Boxes.area(box, 0)) {
        return true;
      }
    }
    return false;
  }

  private static boolean hasCentre(float[] window, Scene.Item item) {
    float x = (item.left() + item.right()) / 2;
    float y = (item.top() + item.bottom()) / 2;
    return x > window[0] && x < window[2] && y > window[1] && y < window[3];
  }

  /** The objects whose centre is in a window, cut off at its edges. */
  private static Scene inside(Scene scene, float[] window) {
    int width = Math.max(1, Math.round(window[2] - window[0]));
    int height = Math.max(1, Math.round(window[3] - window[1]));
    float across = width / (window[2] - window[0]);
    float down = height / (window[3] - window[1]);
    List<Scene.Item> kept = new ArrayList<>();
    for (Scene.Item item : scene.objects()) {
      if (hasCentre(window, item)) {
        kept.add(
            moved(
                item,
                (Math.max(item.left(), window[0]) - window[0]) * across,
                (Math.max(item.top(), window[1]) - window[1]) * down,
                (Math.min(item.right(), window[2]) - window[0]) * across,
                (Math.min(item.bottom(), window[3]) - window[1]) * down));
      }
    }
    return new Scene(width, height, kept);
  }

  private static Scene mirrored(Scene scene) {
    List<Scene.Item> items = new ArrayList<>();
    for (Scene.Item item : scene.objects()) {
      items.add(
          moved(
              item,
              scene.width() - item.right(),
              item.top(),
              scene.width() - item.left(),
              item.bottom()));
    }
    return new Scene(scene.width(), scene.height(), items);
  }

  private static Scene.Item moved(
      Scene.Item item, float left, float top, float right, float bottom) {
    return new Scene.Item(item.label(), left, top, right, bottom, item.area(), item.kind());
  }

  /** The window, given in the scene's pixels, of the image, stretched to its size. */
  private void crop(Scene scene, float[] window) {
    Images images = part.images();
    double across = (double) images.width() / scene.width();
    double down = (double) images.height() / scene.height();
    int left = pixel(window[0] * across, 0, images.width() - 1);
    int top = pixel(window[1] * down, 0, images.height() - 1);
    int right = pixel(window[2] * across, left + 1, images.width());
    int bottom = pixel(window[3] * down, top + 1, images.height());
    int channels = images.channels();
    byte[] inner = new byte[(bottom - top) * (right - left) * channels];
    for (int y = top; y < bottom; y++) {
      System.arraycopy(
          bytes,
          (y * images.width() + left) * channels,
          inner,
          (y - top) * (right - left) * channels,
          (right - left) * channels);
    }
    Resampler.stretch(
        new Pixels(bottom - top, right - left, channels, inner),
        images.height(),
        images.width(),
        cut,
        0);
  }

  private static int pixel(double at, int least, int most) {
    return Math.clamp(Math.round(at), least, most);
  }

  private void write(byte[] from, boolean mirrored, int at) {
    Images images = part.images();
    int channels = images.channels();
    for (int y = 0; y < images.height(); y++) {
      for (int x = 0; x < images.width(); x++) {
        int source = (y * images.width() + (mirrored ? images.width() - 1 - x : x)) * channels;
        int target = at + (y * images.width() + x) * channels;
        for (int c = 0; c < channels; c++) {
          pixels[target + c] = (from[source + c] & 0xFF) / 255f;
        }
      }
    }
  }

  private void normalize(int at) {
    int channels = part.images().channels();
    for (int i = at; i < at + bytes.length; i++) {
      int c = (i - at) % channels;
      pixels[i] = (pixels[i] - normalization.mean()[c]) / normalization.deviation()[c];
    }
  }
}
