package dev.sextant.nas.data;

import dev.sextant.nas.data.Augmentation.ResizedCrop;
import dev.sextant.nas.data.scene.Scene;
import dev.sextant.nas.data.scene.SceneView;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import java.util.Arrays;
import java.util.Locale;

/**
 * Applies an {@link Augmentation} and a {@link Normalization} to images of one size. Holds scratch,
 * so each thread needs its own.
 */
final class Augmenter {
  private static final int CROP_ATTEMPTS = 10;

  private static final Augmentation.ColorJitter SCENE_COLORS =
      new Augmentation.ColorJitter(0.2, 0.2, 0.2, 0.05);

  private final Augmentation augmentation;
  private final int height;
  private final int width;
  private final int channels;
  private final Normalization normalization;
  private final float[] normalized;
  private final float[] unit;
  private final ColorJitterer jitterer;
  // The resized crop that was drawn last: top, left, rows, columns.
  private int top;
  private int left;
  private int rows;
  private int columns;

  Augmenter(Images images, Augmentation augmentation, Normalization normalization) {
    if (normalization.channels() != images.channels()) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "batches: images have %d channels, the normalization %d",
              images.channels(),
              normalization.channels()));
    }
    this.augmentation = augmentation;
    this.height = images.height();
    this.width = images.width();
    this.channels = images.channels();
    this.normalization = normalization;
    this.normalized = normalization.table();
    this.unit = new float[256 * channels];
    for (int i = 0; i < unit.length; i++) {
      unit[i] = (i & 0xFF) / 255f;
    }
    this.jitterer = new ColorJitterer(channels);
  }

  /**
   * Writes an image, whose pixels begin at {@code from}, as {@code [H, W, C]} to {@code target},
   * beginning at {@code at}.
   */
  void apply(byte[] pixels, int from, Rng rng, float[] target, int at) {
    ResizedCrop crop = augmentation.resizedCrop();
    Augmentation.ColorJitter jitter = augmentation.jitter();
    boolean late = crop != null || jitter != null;
    if (crop != null) {
      draw(crop, rng);
      boolean flip = flip(rng);
      resize(pixels, from, flip, target, at);
    } else {
      int padding = augmentation.cropPadding();
      int downward = padding == 0 ? 0 : rng.nextInt(2 * padding + 1) - padding;
      int rightward = padding == 0 ? 0 : rng.nextInt(2 * padding + 1) - padding;
      boolean flip = flip(rng);
      shift(pixels, from, downward, rightward, flip, late ? unit : normalized, target, at);
    }
    if (jitter != null) {
      jitterer.apply(jitter, rng, target, at, height * width);
    }
    if (late) {
      normalize(target, at);
    }
    if (augmentation.cutout() > 0) {
      cutout(rng, target, at);
    }
  }

  /**
   * The same for an image with boxes: cut to a part by what it keeps of objects where there would
   * be a resized crop, mirrored as often, its colours changed a little where anything is changed.
   *
   * @return what stands in what was written
   */
  Scene apply(Scene scene, byte[] pixels, int from, Rng rng, float[] target, int at) {
    boolean changes = augmentation.flip() > 0 || augmentation.resizedCrop() != null;
    SceneView view =
        SceneView.random(scene, augmentation.resizedCrop() != null, augmentation.flip(), rng);
    left = pixel(view.left() * width, 0, width - 1);
    top = pixel(view.top() * height, 0, height - 1);
    columns = pixel(view.right() * width, left + 1, width) - left;
    rows = pixel(view.bottom() * height, top + 1, height) - top;
    if (columns == width && rows == height) {
      shift(pixels, from, 0, 0, view.mirrored(), changes ? unit : normalized, target, at);
    } else {
      resize(pixels, from, view.mirrored(), target, at);
    }
    if (changes) {
      jitterer.apply(SCENE_COLORS, rng, target, at, height * width);
      normalize(target, at);
    }
    return view.scene();
  }

  private static int pixel(double at, int least, int most) {
    return Math.clamp(Math.round(at), least, most);
  }

  private boolean flip(Rng rng) {
    return augmentation.flip() > 0 && rng.nextDouble() < augmentation.flip();
  }

  /** Reads the padded image from (downward, rightward), maps bytes by the table, then mirrors. */
  private void shift(
      byte[] pixels,
      int from,
      int downward,
      int rightward,
      boolean flip,
      float[] table,
      float[] target,
      int at) {
    int firstX = Math.min(width, Math.max(0, -rightward));
    int lastX = Math.max(firstX, Math.min(width, width - rightward));
    for (int y = 0; y < height; y++) {
      int row = at + y * width * channels;
      int sourceY = y + downward;
      if (sourceY < 0 || sourceY >= height) {
        black(table, target, row, width);
        continue;
      }
      int source = from + (sourceY * width + firstX + rightward) * channels;
      int inside = lastX - firstX;
      int before = flip ? width - lastX : firstX;
      black(table, target, row, before);
      black(table, target, row + (before + inside) * channels, width - before - inside);
      int to = row + before * channels;
      if (flip) {
        mirror(pixels, source, inside, table, target, to);
      } else {
        copy(pixels, source, inside, table, target, to);
      }
    }
  }

  private void black(float[] table, float[] target, int at, int count) {
    for (int x = 0; x < count; x++) {
      for (int c = 0; c < channels; c++) {
        target[at + x * channels + c] = table[c << 8];
      }
    }
  }

  private void copy(byte[] pixels, int source, int count, float[] table, float[] target, int to) {
    if (channels == 1) {
      for (int x = 0; x < count; x++) {
        target[to + x] = table[pixels[source + x] & 0xFF];
      }
      return;
    }
    for (int c = 0; c < channels; c++) {
      int base = c << 8;
      for (int x = 0, i = c; x < count; x++, i += channels) {
        target[to + i] = table[base | pixels[source + i] & 0xFF];
      }
    }
  }

  private void mirror(byte[] pixels, int source, int count, float[] table, float[] target, int to) {
    for (int c = 0; c < channels; c++) {
      int base = c << 8;
      int last = source + (count - 1) * channels + c;
      for (int x = 0, i = c; x < count; x++, i += channels) {
        target[to + i] = table[base | pixels[last - x * channels] & 0xFF];
      }
    }
  }

  private void draw(ResizedCrop crop, Rng rng) {
    double logMin = StrictMath.log(crop.minRatio());
    double logMax = StrictMath.log(crop.maxRatio());
    for (int i = 0; i < CROP_ATTEMPTS; i++) {
      double area = height * (double) width * rng.uniform(crop.minScale(), crop.maxScale());
      double ratio = StrictMath.exp(rng.uniform(logMin, logMax));
      columns = (int) Math.rint(Math.sqrt(area * ratio));
      rows = (int) Math.rint(Math.sqrt(area / ratio));
      if (columns > 0 && columns <= width && rows > 0 && rows <= height) {
        top = rng.nextInt(height - rows + 1);
        left = rng.nextInt(width - columns + 1);
        return;
      }
    }
    double whole = (double) width / height;
    columns = width;
    rows = height;
    if (whole < crop.minRatio()) {
      rows = Math.clamp(Math.round(width / crop.minRatio()), 1, height);
    } else if (whole > crop.maxRatio()) {
      columns = Math.clamp(Math.round(height * crop.maxRatio()), 1, width);
    }
    top = (height - rows) / 2;
    left = (width - columns) / 2;
  }

  /** Bilinear, pixel centres at one half; a crop is never larger than the image: no aliasing. */
  private void resize(byte[] pixels, int from, boolean flip, float[] target, int at) {
    float scaleY = (float) rows / height;
    float scaleX = (float) columns / width;
    for (int y = 0; y < height; y++) {
      float sourceY = Math.clamp((y + 0.5f) * scaleY - 0.5f, 0, rows - 1);
      int y0 = (int) sourceY;
      float weightY = sourceY - y0;
      int row0 = from + (top + y0) * width * channels;
      int row1 = from + (top + Math.min(y0 + 1, rows - 1)) * width * channels;
      for (int x = 0; x < width; x++) {
        float sourceX = Math.clamp((x + 0.5f) * scaleX - 0.5f, 0, columns - 1);
        int x0 = (int) sourceX;
        float weightX = sourceX - x0;
        int column0 = (left + x0) * channels;
        int column1 = (left + Math.min(x0 + 1, columns - 1)) * channels;
        int to = at + (y * width + (flip ? width - 1 - x : x)) * channels;
        for (int c = 0; c < channels; c++) {
          float a = pixels[row0 + column0 + c] & 0xFF;
          float b = pixels[row0 + column1 + c] & 0xFF;
          float d = pixels[row1 + column0 + c] & 0xFF;
          float e = pixels[row1 + column1 + c] & 0xFF;
          float upper = a + (b - a) * weightX;
          float lower = d + (e - d) * weightX;
          target[to + c] = (upper + (lower - upper) * weightY) / 255f;
        }
      }
    }
  }

  private void normalize(float[] target, int at) {
    for (int c = 0; c < channels; c++) {
      float mean = normalization.mean()[c];
      float deviation = normalization.deviation()[c];
      int end = at + height * width * channels;
      for (int i = at + c; i < end; i += channels) {
        target[i] = (target[i] - mean) / deviation;
      }
    }
  }

  private void cutout(Rng rng, float[] target, int at) {
    int side = augmentation.cutout();
    int centerY = rng.nextInt(height);
    int centerX = rng.nextInt(width);
    int y0 = Math.max(0, centerY - side / 2);
    int y1 = Math.min(height, centerY - side / 2 + side);
    int x0 = Math.max(0, centerX - side / 2);
    int x1 = Math.min(width, centerX - side / 2 + side);
    for (int y = y0; y < y1; y++) {
      int row = at + y * width * channels;
      Arrays.fill(target, row + x0 * channels, row + x1 * channels, 0);
    }
  }
}
