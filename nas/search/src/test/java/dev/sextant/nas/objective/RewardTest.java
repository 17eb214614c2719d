package dev.sextant.nas.objective;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sextant.tensor.SextantException;
import org.junit.jupiter.api.Test;

class RewardTest {
  private static final Outcome OUTCOME = new Outcome(1.2, 0.76);

  private static double reward(Objective objective, double cost) {
    return objective.reward(OUTCOME, cost);
  }

  /** 0.76 - 0.1 |T/84 - 1|: at 63 and 105 ms 0.76 - 0.025, at 84 ms 0.76. */
  @Test
  void absoluteFallsOnBothSidesOfTheTarget() {
    Reward absolute = new Reward.Absolute(-0.1, 84);
    assertEquals(0.735, reward(absolute, 63), 1e-12);
    assertEquals(0.76, reward(absolute, 84), 1e-12);
    assertEquals(0.735, reward(absolute, 105), 1e-12);
    assertEquals(0.66, reward(absolute, 168), 1e-12);
  }

  /** 0.76 x (T/80)^-0.1: factors 1.029186 at 60, 0.977933 at 100 ms (ProxylessNAS's code). */
  @Test
  void softRewardsWhatIsBelowTheTarget() {
    Reward soft = new Reward.Soft(-0.1, 80);
    assertEquals(0.76 * 1.029186, reward(soft, 60), 1e-6);
    assertEquals(0.76, reward(soft, 80), 1e-12);
    assertEquals(0.76 * 0.977933, reward(soft, 100), 1e-6);
  }

  @Test
  void hardRewardsNothingBelowTheTarget() {
    Reward hard = new Reward.Hard(-0.1, 80);
    assertEquals(0.76, reward(hard, 60), 1e-12);
    assertEquals(0.76, reward(hard, 80), 1e-12);
    assertEquals(0.76 * 0.977933, reward(hard, 100), 1e-6);
  }

  /** CE + lambda (E/T - 1) = 1.2 + 0.4 x 0.25, as a reward with the sign turned. */
  @Test
  void aLossIsARewardToo() {
    assertEquals(-1.3, reward(new Loss.AddLinear(0.4, 80), 100), 1e-12);
  }

  @Test
  void strengthsChangeAndTargetsAreChecked() {
    Reward absolute = new Reward.Absolute(-0.1, 84);
    absolute.setLambda(-0.2);
    assertEquals(-0.2, absolute.lambda());
    assertEquals(0.76 - 0.2 * 0.25, reward(absolute, 63), 1e-12);
    for (double target : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
      assertThrows(SextantException.class, () -> new Reward.Soft(-0.1, target));
      assertThrows(SextantException.class, () -> new Reward.Hard(-0.1, target));
      assertThrows(SextantException.class, () -> new Reward.Absolute(-0.1, target));
    }
  }
}
