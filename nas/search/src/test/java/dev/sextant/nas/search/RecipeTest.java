package dev.sextant.nas.search;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.cost.Costs;
import dev.sextant.nas.method.PublishedMethod;
import dev.sextant.nas.method.Rates;
import dev.sextant.nas.method.Recipe;
import dev.sextant.nas.method.SupernetKind;
import dev.sextant.nas.objective.Loss;
import dev.sextant.nas.objective.ObjectiveProvider;
import dev.sextant.nas.objective.Objectives;
import dev.sextant.nas.policy.Policies;
import dev.sextant.nas.policy.PolicyProvider;
import dev.sextant.tensor.SextantException;
import org.junit.jupiter.api.Test;

/** The schedules of the methods by hand, and every combination of their parts. */
class RecipeTest {
  /** Of 250 steps of warm-up and 750 after it. */
  private static Rates rates(PublishedMethod method) {
    return new Rates(TinyRun.config(1, method.recipe()), 250, 750);
  }

  /** 0 for the first quarter, then 0.05 x 10^progress: 0.05, 0.05 x 10^0.5 and 0.5. */
  @Test
  void tunasControllerWaitsAQuarterAndGrowsTenfold() {
    Rates tunas = rates(PublishedMethod.TUNAS);
    assertEquals(0, tunas.architecture(0));
    assertEquals(0, tunas.architecture(249));
    assertEquals(0.05, tunas.architecture(250), 1e-12);
    assertEquals(0.05 * Math.sqrt(10), tunas.architecture(625), 1e-12);
    assertEquals(0.5, tunas.architecture(1000), 1e-12);
    assertEquals(0.05, rates(PublishedMethod.PROXYLESS_R).architecture(625), 1e-12);
  }

  /**
   * TuNAS: 25 of 1000 steps of linear growth, then one cosine from 0.05 to 0. ProxylessNAS: a
   * cosine from 0.1 in the warm-up, another from 0.05 after it.
   */
  @Test
  void weightsHaveOneCosineOrTwo() {
    Rates tunas = rates(PublishedMethod.TUNAS);
    assertEquals(0.05 / 26, tunas.weights(0), 1e-12);
    assertEquals(0.05 * 25 / 26, tunas.weights(24), 1e-12);
    assertEquals(0.05, tunas.weights(25), 1e-12);
    assertEquals(0, tunas.weights(1000), 1e-12);
    Rates proxyless = rates(PublishedMethod.PROXYLESS_G);
    assertEquals(0.1, proxyless.weights(0), 1e-12);
    assertEquals(0.05, proxyless.weights(125), 1e-12);
    assertEquals(0.05, proxyless.weights(250), 1e-12);
    assertEquals(0.025, proxyless.weights(625), 1e-12);
  }

  /** Of all combinations those that mean something are made, and the others named in a sentence. */
  @Test
  void everyCombinationIsMadeOrRefused() {
    int made = 0;
    for (SupernetKind<?> supernet : SupernetKind.ALL) {
      for (PolicyProvider<?, ?> policy : Policies.BUILT_IN) {
        for (Costs cost : Costs.values()) {
          for (ObjectiveProvider<?> objective : Objectives.BUILT_IN) {
            boolean draws = policy == Policies.REINFORCE || policy == Policies.CONTROLLER;
            boolean hasGradient = objective.type() == Loss.class;
            boolean ofCells =
                supernet.hasCells()
                    && (policy == Policies.DARTS
                        ? hasGradient && (cost == Costs.PREDICTED || cost == Costs.MACS)
                        : draws
                            && (cost == Costs.PREDICTED
                                || cost == Costs.MACS
                                || cost == Costs.PARAMETERS));
            boolean sense =
                ofCells
                    || policy != Policies.DARTS
                        && !supernet.hasCells()
                        && cost != Costs.PREDICTED
                        && (supernet == SupernetKind.SUPERKERNEL) == (policy == Policies.THRESHOLDS)
                        && (draws || supernet != SupernetKind.COLLAPSED && hasGradient)
                        && !(policy == Policies.GATES && cost == Costs.MEASURED)
                        && !(policy == Policies.THRESHOLDS
                            && (cost == Costs.MEASURED || cost == Costs.LINEAR));
            if (sense) {
              made++;
              Recipe recipe = Recipe.of("tunas", supernet, policy, cost, objective);
              assertTrue(
                  recipe instanceof Recipe.InSupernet<?, ?> searched
                      && searched.supernet() == supernet);
            } else {
              String message =
                  assertThrows(
                          SextantException.class,
                          () -> Recipe.of("tunas", supernet, policy, cost, objective))
                      .getMessage();
              assertTrue(message.contains(policy.id()), message);
              assertFalse(message.contains("\n"), message);
            }
          }
        }
      }
    }
    // 4 costs x 5 objectives of gates; 5 x 5 of both gradients; 3 x 5 of thresholds; 2 supernets x
    // 2
    // policies x 5 costs x 7 objectives of rewards; of 2 supernets of cells 2 costs x 5 objectives
    // of
    // mixtures, and 2 policies x 3 costs x 7 objectives of rewards.
    assertEquals(20 + 25 + 15 + 140 + 20 + 84, made);
    int random = 0;
    for (Costs cost : Costs.values()) {
      if (cost == Costs.MEASURED) {
        assertThrows(SextantException.class, () -> new Recipe.Random("random", cost));
      } else {
        random++;
        assertEquals(cost, new Recipe.Random("random", cost).cost());
      }
    }
    assertEquals(5, random);
  }
}
