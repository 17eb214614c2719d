package dev.sextant.runtime.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class ResamplerTest {
  @Test
  void resizingKeepsTheCentreAndAverages() {
    // Columns 0, 0, 100, 200, 0, 0: the centre of 6 x 2 at half the size is one pixel.
    byte[] row = {0, 0, 100, (byte) 200, 0, 0, 0, 0, 100, (byte) 200, 0, 0};
    byte[] out = new byte[4];
    Resampler.resizeAndCrop(new Pixels(2, 6, 1, row), 2, out, 0);
    assertArrayEquals(new byte[] {100, (byte) 200, 100, (byte) 200}, out);
    // Halved: triangle weights 1/8, 3/8, 3/8, 1/8 where the image goes on to both sides.
    byte[] ramp = new byte[16 * 16];
    for (int i = 0; i < ramp.length; i++) {
      ramp[i] = (byte) (i % 16 * 10);
    }
    byte[] half = new byte[64];
    Resampler.resizeAndCrop(new Pixels(16, 16, 1, ramp), 8, half, 0);
    assertEquals(25, half[8 + 1]);
    assertEquals(45, half[8 + 2]);
    // Enlarged: between pixel centres.
    byte[] large = new byte[16];
    Resampler.resizeAndCrop(new Pixels(2, 2, 1, new byte[] {0, 100, 0, 100}), 4, large, 0);
    assertArrayEquals(new byte[] {0, 25, 75, 100}, Arrays.copyOf(large, 4));
  }
}
