package dev.sextant.autograd.optim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sextant.tensor.SextantException;
import org.junit.jupiter.api.Test;

/** Schedules at points computed by hand. */
final class ScheduleTest {
  @Test
  void constant() {
    assertEquals(0.3, new Schedule.Constant(0.3).rate(7, 10));
  }

  @Test
  void cosine() {
    Schedule cosine = new Schedule.Cosine(1, 0.2);
    assertEquals(1, cosine.rate(0, 12), 1e-12);
    // A third of the way: cos(pi / 3) = 1/2, so 0.2 + 0.8 · 3/4.
    assertEquals(0.8, cosine.rate(4, 12), 1e-12);
    assertEquals(0.6, cosine.rate(6, 12), 1e-12);
    assertEquals(0.2, cosine.rate(12, 12), 1e-12);
    assertEquals(0.2, cosine.rate(18, 12), 1e-12);
  }

  @Test
  void staircase() {
    Schedule stairs = new Schedule.Staircase(0.8, 0.5, 3);
    assertEquals(0.8, stairs.rate(2, 100), 1e-12);
    assertEquals(0.4, stairs.rate(3, 100), 1e-12);
    assertEquals(0.1, stairs.rate(10, 100), 1e-12);
    assertThrows(SextantException.class, () -> new Schedule.Staircase(0.8, 0.5, 0));
  }

  @Test
  void warmUp() {
    Schedule schedule = new Schedule.WarmUp(4, new Schedule.Cosine(1, 0));
    assertEquals(0.2, schedule.rate(0, 12), 1e-12);
    assertEquals(0.8, schedule.rate(3, 12), 1e-12);
    assertEquals(1, schedule.rate(4, 12), 1e-12);
    // The cosine has the remaining 8 steps.
    assertEquals(0.5, schedule.rate(8, 12), 1e-12);
    assertEquals(0, schedule.rate(12, 12), 1e-12);
    assertEquals(0.5, new Schedule.WarmUp(4, new Schedule.Constant(1.25)).rate(1, 2), 1e-12);
    assertThrows(SextantException.class, () -> new Schedule.WarmUp(-1, new Schedule.Constant(1)));
  }

  /** From 0.3 to tenfold: 0.3 x 10^0.5 half way. */
  @Test
  void exponentialGrowsByItsFactor() {
    Schedule schedule = new Schedule.Exponential(0.3, 10);
    assertEquals(0.3, schedule.rate(0, 100), 1e-12);
    assertEquals(0.3 * Math.sqrt(10), schedule.rate(50, 100), 1e-12);
    assertEquals(3, schedule.rate(100, 100), 1e-12);
    assertEquals(3, schedule.rate(120, 100), 1e-12);
    assertThrows(SextantException.class, () -> new Schedule.Exponential(0.3, 0));
  }
}
