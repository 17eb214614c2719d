package dev.sextant.nas.objective;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.cost.ExpectedCost;
import dev.sextant.nas.policy.Probabilities;
import dev.sextant.tensor.Rng;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Searches simulated by softmax decisions under Adam, without a network. */
@Tag("long")
class LambdaControllerTest {
  private static final int CHOICES = 9;
  private static final int CANDIDATES = 7;
  private static final double[] SIZES = {3, 6, 4, 8, 5, 10, 0};

  /** Alphas that descend CE + strength (E / T - 1), CE falling with a network's size. */
  private static final class Simulation {
    final float[][] alphas = new float[CHOICES][CANDIDATES];
    final double[][] squares = new double[CHOICES][CANDIDATES];
    final ExpectedCost cost;
    final Rng rng;
    final double gain;
    final double noise;
    int steps;

    Simulation(double unitMs, double gain, double noise, long seed) {
      this.gain = gain;
      this.noise = noise;
      rng = new Rng(seed);
      double[][] costs = new double[CHOICES][CANDIDATES];
      for (double[] choice : costs) {
        double width = rng.uniform(0.5, 2);
        for (int j = 0; j < CANDIDATES; j++) {
          choice[j] = unitMs * width * SIZES[j];
        }
      }
      cost = new ExpectedCost(8 * unitMs, costs);
    }

    double[][] probabilities() {
      double[][] p = new double[CHOICES][];
      for (int i = 0; i < CHOICES; i++) {
        p[i] = Probabilities.softmax(alphas[i]);
      }
      return p;
    }

    double expected() {
      return cost.expected(probabilities());
    }

    /**
     * One step of Adam with beta1 = 0; larger candidates lower the cross-entropy, by noisy bits.
     */
    LambdaController.Slopes step(double weight, double rate) {
      double[][] p = probabilities();
      double[][] costSlopes = probabilities();
      cost.gradient(p, costSlopes);
      double lossSquare = 0;
      double alignment = 0;
      double costSquare = 0;
      double costSum = 0;
      steps++;
      for (int i = 0; i < CHOICES; i++) {
        double[] slopes = new double[CANDIDATES];
        double[] costs = costSlopes[i];
        for (int j = 0; j < CANDIDATES; j++) {
          slopes[j] = -gain * Math.log1p(SIZES[j]) + noise * rng.nextGaussian();
        }
        double[] g = Probabilities.throughSoftmax(slopes, p[i]);
        double[] c = Probabilities.throughSoftmax(costs, p[i]);
        for (int j = 0; j < CANDIDATES; j++) {
          lossSquare += g[j] * g[j];
          alignment += g[j] * c[j];
          costSquare += c[j] * c[j];
          costSum += Math.abs(c[j]);
          double gradient = g[j] + weight * c[j];
          squares[i][j] = 0.999 * squares[i][j] + 0.001 * gradient * gradient;
          double corrected = Math.sqrt(squares[i][j] / (1 - Math.pow(0.999, steps)));
          alphas[i][j] -= (float) (rate * gradient / (corrected + 1e-8));
        }
      }
      return new LambdaController.Slopes(lossSquare, alignment, costSquare, costSum);
    }
  }

  /**
   * Budgets at these shares of the space's range, from below and above what uniform decisions cost
   * (about 0.45), in fractions of and in tens of milliseconds.
   */
  @ParameterizedTest
  @CsvSource({
    "0.25, 0.01, 200, 0.02",
    "0.40, 0.01, 200, 0.02",
    "0.55, 0.01, 200, 0.02",
    "0.70, 0.01, 200, 0.02",
    "0.25, 0.8, 200, 0.02",
    "0.70, 0.8, 200, 0.02",
    "0.15, 0.01, 5000, 0.02",
    "0.40, 0.01, 5000, 0.02",
    "0.85, 0.01, 5000, 0.02",
    "0.25, 0.8, 5000, 0.006",
    "0.40, 0.8, 5000, 0.006",
    "0.70, 0.8, 5000, 0.006",
    "0.40, 0.8, 5000, 0.001",
  })
  void meetsTheBudget(double share, double unitMs, int steps, double rate) {
    for (double gain : new double[] {0, 0.01, 0.1}) {
      for (double noise : new double[] {0, 0.02, 0.1}) {
        for (double initial : new double[] {0, 1}) {
          if (gain + noise > 0) {
            Simulation simulation = new Simulation(unitMs, gain, noise, 3);
            checkRun(simulation, share, steps, rate, initial);
          }
        }
      }
    }
  }

  private static void checkRun(
      Simulation simulation, double share, int steps, double rate, double initial) {
    ExpectedCost cost = simulation.cost;
    double target = cost.minimum() + share * (cost.maximum() - cost.minimum());
    LambdaController controller = new LambdaController(target);
    double weight = initial / target;
    boolean above = simulation.expected() > target;
    boolean crossed = false;
    double overshoot = 0;
    double late = 0;
    for (int i = 0; i < steps; i++) {
      LambdaController.Slopes slopes = simulation.step(weight, rate);
      weight = controller.observe(simulation.expected(), slopes, rate);
      double error = simulation.expected() / target - 1;
      crossed |= error > 0 != above;
      overshoot = crossed ? Math.max(overshoot, Math.abs(error)) : 0;
      late = i >= steps * 9 / 10 ? Math.max(late, Math.abs(error)) : 0;
    }
    String run =
        "gain %.2f, noise %.2f, initial %.1f: late %.4f, after crossing %.4f"
            .formatted(simulation.gain, simulation.noise, initial, late, overshoot);
    assertTrue(late < 0.02, run);
    assertTrue(overshoot < 0.05, run);
  }

  /**
   * One alpha's worth of numbers by hand, T = 2, E = 2: nothing to correct, so the weight is that
   * at which the cost stays: -(g c) / (c c) = -(-6) / 4.
   */
  @Test
  void holdsTheCostAtTheTarget() {
    LambdaController controller = new LambdaController(2);
    assertEquals(1.5, controller.observe(2, new LambdaController.Slopes(9, -6, 4, 2), 0.01));
  }

  /** No gradient of the cost: the decisions have been made, and no strength can change them. */
  @Test
  void letsGoWhereTheCostCannotMove() {
    LambdaController controller = new LambdaController(2);
    assertEquals(0, controller.observe(3, new LambdaController.Slopes(9, 0, 0, 0), 0.01));
  }

  @Test
  void continuesFromItsState() {
    LambdaController whole = new LambdaController(2);
    whole.observe(2.1, new LambdaController.Slopes(9, -6, 4, 2), 0.01);
    LambdaController resumed = new LambdaController(2);
    resumed.restore(whole.state());
    LambdaController.Slopes next = new LambdaController.Slopes(8, -5, 4, 2);
    assertEquals(whole.observe(1.9, next, 0.01), resumed.observe(1.9, next, 0.01));
    assertArrayEquals(whole.state(), resumed.state());
  }
}
