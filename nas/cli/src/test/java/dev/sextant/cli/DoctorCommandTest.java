package dev.sextant.cli;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class DoctorCommandTest {
  @Test
  void saysWhatThereIsAndWhatIsMissing() {
    String text = Command.run("doctor").succeeded();
    assertTrue(text.contains(System.getProperty("java.version")), text);
    assertTrue(text.contains(Runtime.getRuntime().availableProcessors() + ""), text);
    assertTrue(text.matches("(?s).*vectors +\\d+ bits.*"), text);
    assertTrue(text.matches("(?s).*gemm +[\\d.]+ GF/s.*"), text);
    assertTrue(text.matches("(?s).*device cuda +(ready|not available: cuda: ).*"), text);
    assertTrue(text.contains("cuBLAS"), text);
  }
}
