package dev.sextant.nas.detection;

import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.data.Images;
import dev.sextant.nas.data.image.ShapeKind;
import dev.sextant.nas.data.scene.Scene;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The built-in scenes, so that nothing need be downloaded: one to four shapes of five kinds in any
 * colour, of an eighth to six tenths of the image's side, turned, over a sloping ground with lines
 * and noise; they overlap little. Boxes are those of the pixels that a shape covers.
 *
 * <p>Image i depends on its part and i alone; only {@link StrictMath} and exactly rounded
 * arithmetic are used, so it is the same on every machine.
 */
public final class GeneratedScenes {
  /** The classes, by label. */
  private static final List<ShapeKind> KINDS =
      List.of(
          ShapeKind.DISC,
          ShapeKind.RECTANGLE,
          ShapeKind.TRIANGLE,
          ShapeKind.CROSS,
          ShapeKind.GRATING);

  private static final long SEED = 0x5CE7E5;
  private static final int CHANNELS = 3;
  private static final int MOST_OBJECTS = 4;
  private static final double MOST_OVERLAP = 0.1;
  private static final int ATTEMPTS = 20;
  private static final int LEAST_SIZE = 32;
  private static final int LARGEST_SIZE = 512;

  private GeneratedScenes() {}

  /**
   * {@return scenes, a quarter as many for the test}
   *
   * @param count training images, at least 4
   * @param size of both sides in pixels, 32 to 512
   * @throws SextantException if one is out of range
   */
  public static ImageDataset of(int count, int size) {
    if (count < 4
        || size < LEAST_SIZE
        || size > LARGEST_SIZE
        || (long) count * size * size * CHANNELS > Integer.MAX_VALUE - 8) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "built-in scenes: %d images of %d pixels; there must be 4, of %d to %d pixels, and"
                  + " less than 2 GiB in all",
              count,
              size,
              LEAST_SIZE,
              LARGEST_SIZE));
    }
    return ImageDataset.of(
        "scenes:" + count,
        KINDS.stream().map(kind -> kind.name().toLowerCase(Locale.ROOT)).toList(),
        part(0, count, size),
        part(1, count / 4, size));
  }

  private static Images part(int part, int count, int size) {
    int bytes = size * size * CHANNELS;
    byte[] pixels = new byte[count * bytes];
    Scene[] scenes = new Scene[count];
    IntStream.range(0, count)
        .parallel()
        .forEach(i -> scenes[i] = draw(Rng.of(SEED, part, i), size, pixels, i * bytes));
    return Images.of(size, size, CHANNELS, pixels, new int[count]).withScenes(List.of(scenes));
  }

  private static Scene draw(Rng rng, int size, byte[] pixels, int at) {
    double[] canvas = new double[size * size * CHANNELS];
    ground(canvas, size, rng);
    List<Scene.Item> items = new ArrayList<>();
    int wanted = 1 + rng.nextInt(MOST_OBJECTS);
    for (int i = 0; i < wanted; i++) {
      object(canvas, size, items, rng);
    }
    double noise = rng.uniform(0.02, 0.06);
    for (int i = 0; i < canvas.length; i++) {
      double value = Math.clamp(canvas[i] + noise * (2 * rng.nextDouble() - 1), 0, 1);
      pixels[at + i] = (byte) (int) (value * 255 + 0.5);
    }
    return new Scene(size, size, items);
  }

  private static void ground(double[] canvas, int size, Rng rng) {
    double[] level = new double[CHANNELS];
    double[] across = new double[CHANNELS];
    double[] down = new double[CHANNELS];
    for (int c = 0; c < CHANNELS; c++) {
      level[c] = rng.uniform(0.25, 0.75);
      across[c] = rng.uniform(-0.25, 0.25) / size;
      down[c] = rng.uniform(-0.25, 0.25) / size;
    }
    for (int i = 0; i < canvas.length; i++) {
      int c = i % CHANNELS;
      int x = i / CHANNELS % size - size / 2;
      int y = i / CHANNELS / size - size / 2;
      canvas[i] = level[c] + across[c] * x + down[c] * y;
    }
    int lines = rng.nextInt(4);
    for (int i = 0; i < lines; i++) {
      line(canvas, size, rng);
    }
  }

  private static void line(double[] canvas, int size, Rng rng) {
    double angle = rng.uniform(0, Math.PI);
    double normalX = -StrictMath.sin(angle);
    double normalY = StrictMath.cos(angle);
    double centerX = rng.uniform(0, size);
    double centerY = rng.uniform(0, size);
    double[] color = contrast(rng, 0.1, 0.3);
    for (int y = 0; y < size; y++) {
      for (int x = 0; x < size; x++) {
        double distance = Math.abs((x - centerX) * normalX + (y - centerY) * normalY);
        paint(canvas, size, x, y, color, Math.clamp(1.5 - distance, 0, 1));
      }
    }
  }

  /** A shape where it overlaps little with those before, if there is room. */
  private static void object(double[] canvas, int size, List<Scene.Item> items, Rng rng) {
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      int label = rng.nextInt(KINDS.size());
      double radius = rng.uniform(size / 16.0, 0.3 * size);
      double centerX = rng.uniform(radius, size - radius);
      double centerY = rng.uniform(radius, size - radius);
      double angle = rng.uniform(0, 2 * Math.PI);
      double[] cover = cover(KINDS.get(label), size, radius, centerX, centerY, angle);
      Scene.Item item = box(label, cover, size);
      if (item != null
          && items.stream().allMatch(other -> other.overlap(item.box()) <= MOST_OVERLAP)) {
        items.add(item);
        double[] color = contrast(rng, 0.25, 0.6);
        for (int i = 0; i < cover.length; i++) {
          paint(canvas, size, i % size, i / size, color, cover[i]);
        }
        return;
      }
    }
  }

  private static double[] contrast(Rng rng, double low, double high) {
    double[] color = new double[CHANNELS];
    for (int c = 0; c < CHANNELS; c++) {
      double magnitude = rng.uniform(low, high);
      color[c] = rng.nextInt(2) == 0 ? magnitude : -magnitude;
    }
    return color;
  }

  private static void paint(double[] canvas, int size, int x, int y, double[] color, double share) {
    for (int c = 0; c < CHANNELS; c++) {
      canvas[(y * size + x) * CHANNELS + c] += color[c] * share;
    }
  }

  /** How much of each pixel a shape covers, with one pixel of anti-aliasing at its edge. */
  private static double[] cover(
      ShapeKind kind, int size, double radius, double centerX, double centerY, double angle) {
    double cos = StrictMath.cos(angle) / radius;
    double sin = StrictMath.sin(angle) / radius;
    double[] cover = new double[size * size];
    for (int y = 0; y < size; y++) {
      for (int x = 0; x < size; x++) {
        double dx = x + 0.5 - centerX;
        double dy = y + 0.5 - centerY;
        double inside = kind.inside(dx * cos + dy * sin, dy * cos - dx * sin);
        cover[y * size + x] = Math.clamp(inside * radius + 0.5, 0, 1);
      }
    }
    return cover;
  }

  /** Of the pixels that are covered by half and more; null where there are none. */
  private static Scene.@Nullable Item box(int label, double[] cover, int size) {
    int[] covered = IntStream.range(0, cover.length).filter(i -> cover[i] >= 0.5).toArray();
    if (covered.length == 0) {
      return null;
    }
    int left = Arrays.stream(covered).map(i -> i % size).min().orElseThrow();
    int right = Arrays.stream(covered).map(i -> i % size).max().orElseThrow();
    int top = covered[0] / size;
    int bottom = covered[covered.length - 1] / size;
    return new Scene.Item(
        label, left, top, right + 1, bottom + 1, covered.length, Scene.Kind.OBJECT);
  }
}
