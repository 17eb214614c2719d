package dev.sextant.nas.provider;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class TimeLeftTest {
  private final TimeLeft left = new TimeLeft();

  private void step(String stage, long done, long steps, double seconds) {
    left.step(stage, done, steps, (long) (seconds * 1e9));
  }

  @Test
  void laterStagesTakeWhatTheirWorkDidSoFar() {
    left.course(List.of(new Progress.Stage("search", 30), new Progress.Stage("retrain", 10)));
    step("search", 1, 101, -5);
    assertEquals(Double.NaN, left.stageSeconds());
    assertEquals(Double.NaN, left.runSeconds());
    step("search", 51, 101, 0);
    assertEquals(5, left.stageSeconds(), 1e-9);
    // 50 of 101 steps of a work of 30 in 5 seconds.
    assertEquals(5 + 10 * 5 / (30 * 50.0 / 101), left.runSeconds(), 1e-9);
    step("search", 101, 101, 5);
    assertEquals(0, left.stageSeconds());
    step("retrain", 1, 10, 6);
    // 10 seconds for a work of 30, and nine tenths of another 10 are left.
    assertEquals(3, left.stageSeconds(), 1e-9);
    assertEquals(3, left.runSeconds(), 1e-9);
  }

  @Test
  void thePaceIsThatOfTheLastSteps() {
    step("search", 0, 1000, 0);
    step("search", 10, 1000, 11);
    step("search", 510, 1000, 22);
    step("search", 900, 1000, 30.8);
    assertEquals(100 * 19.8 / 890, left.stageSeconds(), 1e-9);
  }
}
