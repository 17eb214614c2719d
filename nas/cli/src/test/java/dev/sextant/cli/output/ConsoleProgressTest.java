package dev.sextant.cli.output;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sextant.nas.provider.Progress;
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
            "search         100%  loss 0.100  memory 1.0 MiB",
            "retrain         33%  loss 2.000"),
        printed.toString(StandardCharsets.UTF_8).lines().toList());
  }

  @Test
  void theRunsTimeStandsBesideTheStages() {
    progress.course(List.of(new Progress.Stage("search", 1), new Progress.Stage("retrain", 2)));
    step(0, 1, "", 0);
    step(11, 51, "", 0);
    step(11, 100, "", 0);
    progress.step("retrain", 1, 2, "", 0);
    assertEquals(
        List.of(
            "search           1%",
            "search          51%  0m10s left, 0m54s of the run",
            "search         100%  0m44s of the run",
            "retrain         50%  0m22s left"),
        printed.toString(StandardCharsets.UTF_8).lines().toList());
  }

  @Test
  void programsReadObjects() {
    JsonProgress json =
        new JsonProgress(new PrintStream(printed, true, StandardCharsets.UTF_8), () -> now);
    json.message("data \"x\"");
    json.step("search", 1, 4, "loss 2", 5);
    now += 500_000_000L;
    json.step("search", 2, 4, "not due", 0);
    now += 500_000_000L;
    json.step("search", 3, 4, "", 0);
    assertEquals(
        List.of(
            "{\"event\":\"message\",\"text\":\"data \\\"x\\\"\"}",
            "{\"event\":\"progress\",\"stage\":\"search\",\"done\":1,\"steps\":4,\"status\":\"loss"
                + " 2\",\"memoryBytes\":5}",
            "{\"event\":\"progress\",\"stage\":\"search\",\"done\":3,\"steps\":4,\"status\":\"\","
                + "\"stageSecondsLeft\":0.5,\"runSecondsLeft\":0.5}"),
        printed.toString(StandardCharsets.UTF_8).lines().toList());
  }
}
