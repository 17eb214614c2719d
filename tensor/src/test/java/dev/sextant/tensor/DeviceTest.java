package dev.sextant.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("vectors")
class DeviceTest {
  @Test
  void parses() {
    assertEquals(Device.CPU, Device.parse("cpu"));
    assertEquals(Device.REFERENCE, Device.parse("reference"));
    assertEquals(new Device("cuda", 0), Device.parse("cuda"));
    assertEquals(new Device("cuda", 1), Device.parse("cuda:1"));
    assertEquals("cuda:1", Device.parse("cuda:1").toString());
    assertEquals("cuda", Device.parse("cuda:0").toString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "CPU", "cuda:", "cuda:x", "cuda:-1", "cuda:1:2", "cuda:1234", "c pu"})
  void refusesOtherForms(String text) {
    SextantException error = assertThrows(SextantException.class, () -> Device.parse(text));
    assertTrue(error.getMessage().contains("'" + text + "'"));
  }

  @Test
  void opensWhatItNames() {
    try (Backend cpu = Backend.cpu(2);
        Backend reference = Backend.reference()) {
      assertEquals(Device.CPU, cpu.device());
      assertEquals(2, cpu.threads());
      assertEquals(Device.REFERENCE, reference.device());
    }
    SextantException unknown =
        assertThrows(SextantException.class, () -> Backends.open(Device.parse("tpu:3"), 1));
    assertTrue(unknown.getMessage().contains("'tpu:3'"));
    assertThrows(SextantException.class, () -> Backend.cpu(0));
  }
}
