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
    Objective.Value value = new Objective.Additive(0.01).evaluate(1.5, 60);
    assertEquals(2.1, value.loss(), 1e-12);
    assertEquals(1, value.perCrossEntropy());
    assertEquals(0.01, value.perCost());
  }

  /** lambda (E - T) / T at lambda 0.1, T 80: -0.025, 0 and 0.025. */
  @Test
  void addLinearHasThePublishedTerms() {
    Objective objective = new Objective.AddLinear(0.1, 80);
    assertEquals(-0.025, objective.evaluate(2, 60).loss() - 2, 1e-12);
    assertEquals(0, objective.evaluate(2, 80).loss() - 2, 1e-12);
    assertEquals(0.025, objective.evaluate(2, 100).loss() - 2, 1e-12);
  }

  /** 0.2 (ln E / ln 80)^0.3: at 60, ln 60 / ln 80 = 0.934349 and its 0.3rd power 0.979836. */
  @Test
  void mulLogHasThePublishedFactors() {
    Objective objective = new Objective.MulLog(0.2, 0.3, 80, 80);
    assertEquals(0.195967, objective.evaluate(1, 60).loss(), 5e-7);
    assertEquals(0.2, objective.evaluate(1, 80).loss(), 1e-12);
    assertEquals(0.203002, objective.evaluate(1, 100).loss(), 5e-7);
    // The same in other units of time: E and T in seconds, scaled back to 80.
    Objective seconds = new Objective.MulLog(0.2, 0.3, 0.08, 80);
    assertEquals(0.203002, seconds.evaluate(1, 0.1).loss(), 5e-7);
  }

  @Test
  void derivativesAreThoseOfTheLoss() {
    double step = 1e-5;
    for (Objective objective :
        List.of(
            new Objective.Additive(0.03),
            new Objective.AddLinear(0.4, 80),
            new Objective.MulLog(0.2, 0.3, 80, 80),
            new Objective.MulLog(0.2, 0.6, 0.5, 80),
            new Objective.MulLog(0.2, -0.4, 80, 80))) {
      for (double cost : new double[] {0.4, 60, 80, 100}) {
        for (double crossEntropy : new double[] {0.1, 2.3}) {
          if (objective instanceof Objective.MulLog(_, _, double target, _) && cost < target / 20) {
            continue; // below its floor
          }
          Objective.Value value = objective.evaluate(crossEntropy, cost);
          assertEquals(
              (objective.evaluate(crossEntropy + step, cost).loss()
                      - objective.evaluate(crossEntropy - step, cost).loss())
                  / (2 * step),
              value.perCrossEntropy(),
              1e-8);
          assertEquals(
              (objective.evaluate(crossEntropy, cost + step).loss()
                      - objective.evaluate(crossEntropy, cost - step).loss())
                  / (2 * step),
              value.perCost(),
              1e-8);
          assertEquals(0.7, objective.withStrength(0.7).strength(), "strength of " + objective);
        }
      }
    }
  }

  @Test
  void targetsArePositive() {
    assertThrows(SextantException.class, () -> new Objective.AddLinear(0.1, 0));
    assertThrows(SextantException.class, () -> new Objective.MulLog(0.2, 0.3, -1, 80));
    assertThrows(SextantException.class, () -> new Objective.MulLog(0.2, 0.3, 80, 2));
  }
}
