package dev.sextant.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class ConsoleProgressTest {
  private final ByteArrayOutputStream printed = new ByteArrayOutputStream();
  private long now = -5_000_000_000L;
  private final ConsoleProgress progress =
      new ConsoleProgress(new PrintStream(printed, true, StandardCharsets.UTF_8), false, () -> now);

  private void step(long seconds, long done, String status, long bytes) {
    now += seconds * 1_000_000_000L;
    progress.step("search", done, 100, status, bytes);
  }

  @Test
  void everyLineSaysWhatIsKnown() {
    step(0, 1, "loss 2.303", 1 << 20);
    step(5, 2, "not due", 1 << 20);
    step(6, 12, "", 0);
    step(22, 100, "loss 0.100", 1 << 20);
    progress.step("retrain", 1, 3, "loss 2.000", 0);
    assertEquals(
        List.of(
            "search           1%  loss 2.303  memory 1.0 MiB",
            "search          12%  1m28s left",
            "search         100%  loss 0.100  memory 1.0 MiB  0m00s left",
            "retrain         33%  loss 2.000"),
        printed.toString(StandardCharsets.UTF_8).lines().toList());
  }
}
