package dev.sextant.nas.objective;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sextant.tensor.SextantException;
import java.util.List;
import org.junit.jupiter.api.Test;

class ObjectiveTest {
  /** Eq. 7: 1.5 + 0.01 x 60 = 2.1. */
  @Test
  void additive() {
    Loss objective = new Loss.Additive(0.01);
    assertEquals(2.1, objective.loss(1.5, 60), 1e-12);
    assertEquals(1, objective.perCrossEntropy(1.5, 60));
    assertEquals(0.01, objective.perCost(1.5, 60));
  }

  /** lambda (E - T) / T at lambda 0.1, T 80: -0.025, 0 and 0.025. */
  @Test
  void addLinearHasThePublishedTerms() {
    Loss objective = new Loss.AddLinear(0.1, 80);
    assertEquals(-0.025, objective.loss(2, 60) - 2, 1e-12);
    assertEquals(0, objective.loss(2, 80) - 2, 1e-12);
    assertEquals(0.025, objective.loss(2, 100) - 2, 1e-12);
  }

  /** 1.5 + 0.1 |60 / 80 - 1| = 1.525, the same at 100; 0.1 / 80 a millisecond on either side. */
  @Test
  void absoluteHasASlopeTowardsTheTarget() {
    Loss objective = new Loss.Absolute(-0.1, 80);
    assertEquals(1.525, objective.loss(1.5, 60), 1e-12);
    assertEquals(1.525, objective.loss(1.5, 100), 1e-12);
    assertEquals(-0.00125, objective.perCost(1.5, 60), 1e-12);
    assertEquals(0.00125, objective.perCost(1.5, 100), 1e-12);
    assertEquals(0, objective.perCost(1.5, 80));
    // What gates descend, rewards ascend.
    assertEquals(-1.525, objective.reward(new Outcome(1.5, 0.9), 100), 1e-12);
  }

  /** Single-Path NAS, eq. 9: 1.5 + 20 ln 80 = 89.1405, and 20 / 80 a millisecond. */
  @Test
  void addLog() {
    Loss objective = new Loss.AddLog(20);
    assertEquals(89.140533, objective.loss(1.5, 80), 5e-7);
    assertEquals(0.25, objective.perCost(1.5, 80), 1e-12);
  }

  /** 0.2 (ln E / ln 80)^0.3: at 60, ln 60 / ln 80 = 0.934349 and its 0.3rd power 0.979836. */
  @Test
  void mulLogHasThePublishedFactors() {
    Loss objective = new Loss.MulLog(0.2, 0.3, 80, 80);
    assertEquals(0.195967, objective.loss(1, 60), 5e-7);
    assertEquals(0.2, objective.loss(1, 80), 1e-12);
    assertEquals(0.203002, objective.loss(1, 100), 5e-7);
    // The same in other units of time: E and T in seconds, scaled back to 80.
    Loss seconds = new Loss.MulLog(0.2, 0.3, 0.08, 80);
    assertEquals(0.203002, seconds.loss(1, 0.1), 5e-7);
  }

  @Test
  void derivativesAreThoseOfTheLoss() {
    double step = 1e-5;
    for (Loss objective :
        List.of(
            new Loss.Additive(0.03),
            new Loss.AddLinear(0.4, 80),
            new Loss.AddLog(0.7),
            new Loss.Absolute(-0.4, 70),
            new Loss.MulLog(0.2, 0.3, 80, 80),
            new Loss.MulLog(0.2, 0.6, 0.5, 80),
            new Loss.MulLog(0.2, -0.4, 80, 80))) {
      for (double cost : new double[] {0.4, 60, 80, 100}) {
        for (double crossEntropy : new double[] {0.1, 2.3}) {
          if (objective instanceof Loss.MulLog log && cost < log.target() / 20) {
            continue; // below its floor
          }
          assertEquals(
              (objective.loss(crossEntropy + step, cost)
                      - objective.loss(crossEntropy - step, cost))
                  / (2 * step),
              objective.perCrossEntropy(crossEntropy, cost),
              1e-8);
          assertEquals(
              (objective.loss(crossEntropy, cost + step)
                      - objective.loss(crossEntropy, cost - step))
                  / (2 * step),
              objective.perCost(crossEntropy, cost),
              1e-8);
        }
      }
      objective.setLambda(0.7);
      assertEquals(0.7, objective.lambda());
    }
  }

  @Test
  void targetsArePositive() {
    assertThrows(SextantException.class, () -> new Loss.AddLinear(0.1, 0));
    assertThrows(SextantException.class, () -> new Loss.Absolute(-0.1, 0));
    assertThrows(SextantException.class, () -> new Loss.MulLog(0.2, 0.3, -1, 80));
    assertThrows(SextantException.class, () -> new Loss.MulLog(0.2, 0.3, 80, 2));
  }
}
