package dev.sextant.nas.data;

import static dev.sextant.nas.data.TestData.assertError;
import static dev.sextant.nas.data.TestData.assertSameBits;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.data.Augmentation.ColorJitter;
import dev.sextant.nas.data.Augmentation.ResizedCrop;
import dev.sextant.tensor.Rng;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class AugmentationTest {
  private static final Normalization PLAIN = new Normalization(new float[1], new float[] {1});
  private static final Normalization PLAIN_RGB =
      new Normalization(new float[3], new float[] {1, 1, 1});

  private static float[] apply(Images images, Augmentation augmentation, Normalization n, int e) {
    float[] out = new float[images.imageBytes()];
    new Augmenter(images, augmentation, n)
        .apply(images.chunk(0), images.offset(0), Rng.of(3, e, 0), out, 0);
    return out;
  }

  @Test
  void noneNormalizes() {
    Images images = TestData.random(1, 2, 3, 3, 1);
    Normalization n =
        new Normalization(new float[] {.1f, .2f, .3f}, new float[] {.5f, .25f, .125f});
    byte[] pixels = new byte[18];
    images.copyPixels(0, pixels, 0);
    float[] out = apply(images, Augmentation.none(), n, 0);
    for (int i = 0; i < 18; i++) {
      double expected = ((pixels[i] & 0xFF) / 255.0 - n.mean()[i % 3]) / n.deviation()[i % 3];
      assertEquals(expected, out[i], 1e-6);
    }
  }

  @Test
  void flipMirrorsHalfOfTheImages() {
    for (int channels : new int[] {1, 3}) {
      Images images = TestData.random(1, 4, 5, channels, 1);
      Normalization n = channels == 1 ? PLAIN : PLAIN_RGB;
      float[] still = apply(images, Augmentation.none(), n, 0);
      float[] mirrored = new float[still.length];
      for (int y = 0; y < 4; y++) {
        for (int x = 0; x < 5; x++) {
          for (int c = 0; c < channels; c++) {
            mirrored[(y * 5 + x) * channels + c] = still[(y * 5 + 4 - x) * channels + c];
          }
        }
      }
      Augmentation flip = new Augmentation(0.5, 0, null, null, 0);
      int flips = 0;
      for (int e = 0; e < 400; e++) {
        float[] out = apply(images, flip, n, e);
        boolean flipped = Arrays.equals(out, mirrored);
        assertTrue(flipped || Arrays.equals(out, still));
        flips += flipped ? 1 : 0;
      }
      assertEquals(200, flips, 40);
      assertSameBits(mirrored, apply(images, new Augmentation(1, 0, null, null, 0), n, 0), 20);
    }
  }

  @Test
  void paddedCropShiftsOverBlack() {
    Images images = TestData.random(1, 5, 4, 3, 1);
    Normalization n = new Normalization(new float[] {.5f, .4f, .3f}, new float[] {1, 2, 3});
    float[] still = apply(images, Augmentation.none(), n, 0);
    Set<Integer> shifts = new HashSet<>();
    for (int e = 0; e < 600; e++) {
      float[] out = apply(images, new Augmentation(0, 2, null, null, 0), n, e);
      int match = -1;
      for (int shift = 0; shift < 25; shift++) {
        if (Arrays.equals(out, shifted(still, n, shift / 5 - 2, shift % 5 - 2))) {
          match = shift;
        }
      }
      assertTrue(match >= 0, "no shift explains epoch " + e);
      shifts.add(match);
    }
    assertEquals(25, shifts.size());
  }

  private static float[] shifted(float[] still, Normalization n, int downward, int rightward) {
    float[] out = new float[still.length];
    for (int i = 0; i < out.length; i++) {
      int y = i / 12 + downward;
      int x = i / 3 % 4 + rightward;
      boolean inside = y >= 0 && y < 5 && x >= 0 && x < 4;
      float black = (0 - n.mean()[i % 3]) / n.deviation()[i % 3];
      out[i] = inside ? still[(y * 4 + x) * 3 + i % 3] : black;
    }
    return out;
  }

  @Test
  void paddingWiderThanTheImageIsAllBlackAtWorst() {
    Images images = TestData.random(1, 2, 2, 1, 1);
    for (int e = 0; e < 200; e++) {
      for (float value : apply(images, new Augmentation(0.5, 9, null, null, 0), PLAIN, e)) {
        assertTrue(value >= 0 && value <= 1);
      }
    }
  }

  @Test
  void wholeResizedCropIsTheImage() {
    Images images = TestData.random(1, 6, 6, 1, 1);
    Augmentation whole = new Augmentation(0, 0, new ResizedCrop(1, 1, 1, 1), null, 0);
    float[] still = apply(images, Augmentation.none(), PLAIN, 0);
    float[] out = apply(images, whole, PLAIN, 0);
    for (int i = 0; i < 36; i++) {
      assertEquals(still[i], out[i], 1e-6);
    }
  }

  @Test
  void resizedCropInterpolatesWithinItsArea() {
    // A ramp stays a ramp: slopes of a quarter of the area lie around one half of the original.
    byte[] ramp = new byte[32 * 32];
    for (int i = 0; i < ramp.length; i++) {
      ramp[i] = (byte) (i % 32 * 8);
    }
    Images images = Images.of(32, 32, 1, ramp, new int[] {0});
    Augmentation quarter = new Augmentation(0, 0, new ResizedCrop(.25, .25, 1, 1), null, 0);
    Set<Float> starts = new HashSet<>();
    for (int e = 0; e < 100; e++) {
      float[] out = apply(images, quarter, PLAIN, e);
      assertEquals(4, (out[17] - out[16]) * 255, 1e-3);
      starts.add(out[0]);
    }
    assertEquals(17, starts.size());
  }

  @Test
  void cutoutZeroesAfterNormalization() {
    Images images = Images.of(8, 8, 1, new byte[64], new int[] {0});
    Normalization n = new Normalization(new float[] {.5f}, new float[] {.5f});
    int largest = 0;
    for (int e = 0; e < 100; e++) {
      float[] out = apply(images, new Augmentation(0, 0, null, null, 4), n, e);
      int zeros = 0;
      for (float value : out) {
        assertTrue(value == 0 || value == -1);
        zeros += value == 0 ? 1 : 0;
      }
      assertTrue(zeros >= 4 && zeros <= 16, "clipped at the border, " + zeros);
      largest = Math.max(largest, zeros);
    }
    assertEquals(16, largest);
  }

  @Test
  void jitterStepsOneByOne() {
    float[] pixel = {0.8f, 0.4f, 0.2f};
    for (int seed = 0; seed < 20; seed++) {
      float[] x = pixel.clone();
      new ColorJitterer(3).apply(new ColorJitter(0.5, 0, 0, 0), new Rng(seed), x, 0, 1);
      // One factor for all channels, at most 1.5, clipped at white.
      float factor = x[2] / pixel[2];
      assertTrue(factor >= 0.5 && factor <= 1.5);
      assertEquals(Math.min(1, 0.8f * factor), x[0], 1e-6);

      x = pixel.clone();
      new ColorJitterer(3).apply(new ColorJitter(0, 0, 0.9, 0), new Rng(seed), x, 0, 1);
      // Luma stays where nothing is clipped.
      if (x[0] < 1 && x[2] > 0) {
        assertEquals(0.4968, 0.299 * x[0] + 0.587 * x[1] + 0.114 * x[2], 1e-5);
      }

      x = new float[] {0.25f, 0.25f, 0.25f, 0.75f, 0.75f, 0.75f};
      new ColorJitterer(3).apply(new ColorJitter(0, 0.5, 0, 0), new Rng(seed), x, 0, 2);
      assertEquals(1, x[0] + x[3], 1e-6);

      x = pixel.clone();
      new ColorJitterer(3).apply(new ColorJitter(0, 0, 0, 0.5), new Rng(seed), x, 0, 1);
      float[] sorted = x.clone();
      Arrays.sort(sorted);
      assertEquals(0.8, sorted[2], 1e-6);
      assertEquals(0.2, sorted[0], 1e-6);
    }
  }

  @Test
  void halfATurnOfHueIsTheComplement() {
    // The generator whose third number after the four of the shuffle is nearest to a half turn.
    for (int seed = 0; seed < 100_000; seed++) {
      Rng rng = new Rng(seed);
      rng.shuffle(new int[4]);
      for (int i = 0; i < 3; i++) {
        rng.nextDouble();
      }
      if (rng.nextDouble() > 0.9999) {
        float[] x = {1, 0, 0, 0.5f, 0.5f, 0.5f};
        new ColorJitterer(3).apply(new ColorJitter(0, 0, 0, 0.5), new Rng(seed), x, 0, 2);
        assertEquals(0, x[0], 1e-3);
        assertEquals(1, x[1], 1e-3);
        assertEquals(1, x[2], 1e-3);
        assertEquals(0.5f, x[3]);
        return;
      }
    }
    throw new AssertionError("no seed turns the hue far enough");
  }

  @Test
  void presets() {
    assertEquals(2, Augmentation.preset("light", 28).cropPadding());
    assertEquals(4, Augmentation.preset("light", 32).cropPadding());
    assertEquals(16, Augmentation.preset("cifar", 32).cutout());
    assertEquals(0.08, Augmentation.preset("imagenet", 224).resizedCrop().minScale());
    assertEquals(Augmentation.none(), Augmentation.preset("none", 28));
    assertError(() -> Augmentation.preset("heavy", 28), "'heavy'", "none, light");
  }

  @Test
  void impossibleSettings() {
    assertError(() -> new Augmentation(1.5, 0, null, null, 0), "1.5");
    assertError(() -> new Augmentation(0, -1, null, null, 0), "-1");
    ResizedCrop crop = new ResizedCrop(.1, 1, 1, 1);
    assertError(() -> new Augmentation(0, 2, crop, null, 0), "exclude each other");
    assertError(() -> new ResizedCrop(0, 1, 1, 1), "crop scales");
    assertError(() -> new ResizedCrop(.1, 1, 2, 1), "crop ratios");
    assertError(() -> new ColorJitter(0, 0, 0, 0.6), "hue exceeds 0.5");
    assertError(
        () -> new Augmenter(TestData.random(1, 2, 2, 3, 1), Augmentation.none(), PLAIN),
        "3 channels");
  }
}
