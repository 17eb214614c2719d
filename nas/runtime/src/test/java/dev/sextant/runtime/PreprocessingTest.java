package dev.sextant.runtime;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.runtime.image.Pixels;
import dev.sextant.runtime.image.Resampler;
import dev.sextant.tensor.SextantException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class PreprocessingTest {
  private static Architecture network(int height, int width, int channels) {
    return Architecture.parse(
        String.format(
            java.util.Locale.ROOT,
            """
            {"format": "sextant-architecture/1", "name": "tiny", "classes": 2,
             "input": {"height": %d, "width": %d, "channels": %d},
             "layers": [{"op": "global-avg-pool"}, {"op": "linear", "out": 2}]}
            """,
            height,
            width,
            channels),
        "tiny");
  }

  private static String refusal(Architecture network, Map<String, String> metadata) {
    return String.valueOf(
        assertThrows(SextantException.class, () -> Preprocessing.of(network, metadata))
            .getMessage());
  }

  @Test
  void whatIsRecordedIsReadAgain() {
    Architecture network = network(4, 6, 3);
    Map<String, String> metadata = new LinkedHashMap<>();
    Preprocessing.record(
        network.input(), new float[] {0.5f, 0.25f, 0}, new float[] {1, 0.5f, 2}, metadata);
    assertEquals(
        Map.of(
            "mean",
            "0.5,0.25,0.0",
            "deviation",
            "1.0,0.5,2.0",
            "image",
            "4x6x3",
            "filter",
            "triangle"),
        metadata);
    Preprocessing preprocessing = Preprocessing.of(network, metadata);
    assertEquals(network.input(), preprocessing.image());
    float[] scaled = new float[3];
    preprocessing.scale(new byte[] {(byte) 255, 51, 0}, scaled, 0);
    assertArrayEquals(new float[] {0.5f, -0.1f, 0}, scaled, 1e-6f);
    assertTrue(refusal(network(4, 4, 3), metadata).contains("image is '4x6x3', needs 4x4x3"));
    metadata.put("filter", "lanczos");
    assertTrue(refusal(network, metadata).contains("filter is 'lanczos', needs triangle"));
  }

  @Test
  void imagesOfAnySizeAndColourAreFitted() {
    byte[] ramp = new byte[16 * 16 * 3];
    for (int i = 0; i < ramp.length; i++) {
      ramp[i] = (byte) (i / 3 % 16 * 10 + i % 3);
    }
    Pixels image = new Pixels(16, 16, 3, ramp);
    byte[] expected = new byte[8 * 8 * 3];
    Resampler.resizeAndCrop(image, 8, expected, 0);
    Preprocessing colour = Preprocessing.of(network(8, 8, 3), Map.of());
    assertArrayEquals(expected, colour.fit(image));
    assertArrayEquals(ramp, Preprocessing.of(network(16, 16, 3), Map.of()).fit(image));
    byte[] gray = Preprocessing.of(network(16, 16, 1), Map.of()).fit(image);
    assertEquals(Pixels.luma(10, 11, 12), gray[1] & 0xFF);
    byte[] again = colour.fit(new Pixels(8, 8, 1, new byte[64]));
    assertEquals(8 * 8 * 3, again.length);
    // Wider than high: half the size, and the middle columns 0 to 5 of 8.
    byte[] cut = Preprocessing.of(network(8, 6, 3), Map.of()).fit(image);
    assertEquals(expected[3], cut[0]);
    assertEquals(expected[8 * 3 + 18], cut[6 * 3 + 15]);
  }

  @Test
  void planesBecomePixels() {
    Pixels pixels = Pixels.ofPlanes(1, 2, 3, new byte[] {1, 2, 3, 4, 5, 6});
    assertArrayEquals(new byte[] {1, 3, 5, 2, 4, 6}, pixels.values());
    assertThrows(SextantException.class, () -> new Pixels(2, 2, 3, new byte[11]));
    assertThrows(SextantException.class, () -> new Pixels(2, 2, 0, new byte[0]));
  }
}
