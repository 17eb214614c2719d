package dev.sextant.tensor.internal.cpu.vector;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("vectors")
class VectorWidthTest {
  @Test
  void calibrationChoosesOneOfBoth() {
    if (VectorWidth.widest() == 512) {
      int bits = WidthCalibration.run();
      assertTrue(bits == 256 || bits == 512, bits + " bits");
    }
  }

  @Test
  void onlyWidthsOfTheMachineCanBeRequested() {
    assertEquals(128, VectorWidth.requested("128", 256));
    assertEquals(256, VectorWidth.requested("256", 256));
    assertEquals(0, VectorWidth.requested("512", 256));
    assertEquals(0, VectorWidth.requested("200", 512));
    assertEquals(0, VectorWidth.requested("wide", 512));
    assertEquals(0, VectorWidth.requested("", 512));
    assertNotEquals("", VectorWidth.reason());
  }
}
