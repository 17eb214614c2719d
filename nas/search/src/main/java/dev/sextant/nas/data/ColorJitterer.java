package dev.sextant.nas.data;

import dev.sextant.nas.data.Augmentation.ColorJitter;
import dev.sextant.tensor.Rng;

/** Applies {@link ColorJitter} to pixels {@code [H, W, C]} in [0, 1]. Not thread-safe. */
public final class ColorJitterer {
  // ITU-R 601 luma, as PIL and torchvision use it.
  private static final float RED = 0.299f;
  private static final float GREEN = 0.587f;
  private static final float BLUE = 0.114f;

  private final int channels;
  private final int[] order = new int[4];

  /**
   * For images of so many channels.
   *
   * @param channels 1 is gray, of which only brightness and contrast change
   */
  public ColorJitterer(int channels) {
    this.channels = channels;
  }

  /**
   * Changes an image.
   *
   * @param jitter ranges of the factors
   * @param rng where the factors and their order come from
   * @param x holds the pixels, changed
   * @param at index of the first
   * @param pixels how many there are
   */
  public void apply(ColorJitter jitter, Rng rng, float[] x, int at, int pixels) {
    for (int i = 0; i < 4; i++) {
      order[i] = i;
    }
    rng.shuffle(order);
    float brightness = factor(rng, jitter.brightness());
    float contrast = factor(rng, jitter.contrast());
    float saturation = factor(rng, jitter.saturation());
    float hue = (float) rng.uniform(-jitter.hue(), jitter.hue());
    boolean colored = channels == 3;
    for (int step : order) {
      if (step == 0 && jitter.brightness() > 0) {
        brighten(x, at, pixels, brightness);
      } else if (step == 1 && jitter.contrast() > 0) {
        contrast(x, at, pixels, contrast);
      } else if (step == 2 && jitter.saturation() > 0 && colored) {
        saturate(x, at, pixels, saturation);
      } else if (step == 3 && jitter.hue() > 0 && colored) {
        turnHue(x, at, pixels, hue);
      }
    }
  }

  private static float factor(Rng rng, double range) {
    return (float) rng.uniform(Math.max(0, 1 - range), 1 + range);
  }

  private void brighten(float[] x, int at, int pixels, float factor) {
    for (int i = at; i < at + pixels * channels; i++) {
      x[i] = Math.min(1, x[i] * factor);
    }
  }

  /** Blends with the mean luma of the image. */
  private void contrast(float[] x, int at, int pixels, float factor) {
    double sum = 0;
    for (int p = 0; p < pixels; p++) {
      sum += channels == 3 ? luma(x, at + 3 * p) : x[at + p * channels];
    }
    float rest = (1 - factor) * (float) (sum / pixels);
    for (int i = at; i < at + pixels * channels; i++) {
      x[i] = Math.clamp(x[i] * factor + rest, 0, 1);
    }
  }

  /** Blends every pixel with its own luma. */
  private static void saturate(float[] x, int at, int pixels, float factor) {
    for (int i = at; i < at + 3 * pixels; i += 3) {
      float rest = (1 - factor) * luma(x, i);
      x[i] = Math.clamp(x[i] * factor + rest, 0, 1);
      x[i + 1] = Math.clamp(x[i + 1] * factor + rest, 0, 1);
      x[i + 2] = Math.clamp(x[i + 2] * factor + rest, 0, 1);
    }
  }

  private static float luma(float[] x, int i) {
    return RED * x[i] + GREEN * x[i + 1] + BLUE * x[i + 2];
  }

  /** Adds a part of a full turn to the hue of HSV, value and saturation unchanged. */
  private static void turnHue(float[] x, int at, int pixels, float turn) {
    for (int i = at; i < at + 3 * pixels; i += 3) {
      float r = x[i];
      float g = x[i + 1];
      float b = x[i + 2];
      float max = Math.max(r, Math.max(g, b));
      float chroma = max - Math.min(r, Math.min(g, b));
      if (chroma == 0) {
        continue;
      }
      float sector;
      if (max == r) {
        sector = (g - b) / chroma;
      } else if (max == g) {
        sector = 2 + (b - r) / chroma;
      } else {
        sector = 4 + (r - g) / chroma;
      }
      sector += 6 * turn;
      x[i] = channel(max, chroma, sector + 5);
      x[i + 1] = channel(max, chroma, sector + 3);
      x[i + 2] = channel(max, chroma, sector + 1);
    }
  }

  /** HSV to RGB in one formula: value - chroma · clamp(min(k, 4 - k), 0, 1), k modulo 6. */
  private static float channel(float value, float chroma, float k) {
    float wrapped = k - 6 * (float) Math.floor(k / 6);
    return value - chroma * Math.clamp(Math.min(wrapped, 4 - wrapped), 0, 1);
  }
}
