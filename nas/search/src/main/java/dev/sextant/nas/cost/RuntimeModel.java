package dev.sextant.nas.cost;

import dev.sextant.nas.space.LayerSum.Term;
import dev.sextant.nas.space.NestedChoice;
import java.util.List;

/**
 * The cost of a superkernel network as a function of its gates (Single-Path NAS, eq. 10 to 12), for
 * any nesting. With C[k][e] the cost of a candidate, K and E the largest kernel and expansion, L
 * the layer's gate, Q[b] the product of the groups' gates up to b and P[a] that of the shells':
 *
 * <pre>
 * Re = L (C[K][0] + sum over b of Q[b] (C[K][b] - C[K][b - 1]))        (eq. 11)
 * R  = Re (r[0] + sum over a of P[a] (r[a] - r[a - 1])), r[a] = C[a][E] / C[K][E]   (eq. 12)
 * </pre>
 *
 * <p>Exact for the largest kernel and for the largest expansion; the others by their ratios. It is
 * linear in each gate, so that at independent gates' probabilities it is its own expectation.
 * Immutable.
 */
public final class RuntimeModel {
  private final double fixed;
  private final List<NestedChoice> choices;

  /** C[K][b], by choice. */
  private final double[][] byExpansion;

  /** r[a], by choice. */
  private final double[][] ratios;

  /**
   * The model of a space's cost.
   *
   * @param cost of the space's networks
   * @param choices of the space, in its order
   */
  public RuntimeModel(ExpectedCost cost, List<NestedChoice> choices) {
    fixed = cost.sum().fixed();
    this.choices = List.copyOf(choices);
    byExpansion = new double[choices.size()][];
    ratios = new double[choices.size()][];
    for (Term term : cost.sum().terms()) {
      NestedChoice choice = choices.get(term.choice());
      double[] costs = term.parts()[0][0];
      int k = choice.shells() - 1;
      int e = choice.groups() - 1;
      double[] expansions = new double[e + 1];
      for (int b = 0; b <= e; b++) {
        expansions[b] = costs[choice.candidate(k, b)];
      }
      double[] kernels = new double[k + 1];
      for (int a = 0; a <= k; a++) {
        double largest = expansions[e];
        // Where nothing costs anything, no kernel costs less.
        kernels[a] = largest == 0 ? 1 : costs[choice.candidate(a, e)] / largest;
      }
      byExpansion[term.choice()] = expansions;
      ratios[term.choice()] = kernels;
    }
  }

  /**
   * {@return R, by the gates of each choice}
   *
   * @param gates of each choice, 1 where open and 0 where shut, or between
   */
  public double of(double[][] gates) {
    double sum = fixed;
    for (int i = 0; i < gates.length; i++) {
      sum +=
          layer(i, gates[i])
              * nested(byExpansion[i], gates[i], choices.get(i).layerGate() + 1)
              * nested(ratios[i], gates[i], 0);
    }
    return sum;
  }

  /**
   * ∂R/∂gate.
   *
   * @param gates of each choice, 1 where open and 0 where shut, or between
   * @param gradient of the shape of the gates; overwritten; 0 for what decides nothing
   */
  public void gradient(double[][] gates, double[][] gradient) {
    for (int i = 0; i < gates.length; i++) {
      NestedChoice choice = choices.get(i);
      double layer = layer(i, gates[i]);
      int groups = choice.layerGate() + 1;
      double expansion = nested(byExpansion[i], gates[i], groups);
      double kernel = nested(ratios[i], gates[i], 0);
      gradient[i][choice.layerGate()] = choice.skips() ? expansion * kernel : 0;
      slopes(byExpansion[i], gates[i], groups, layer * kernel, gradient[i]);
      slopes(ratios[i], gates[i], 0, layer * expansion, gradient[i]);
    }
  }

  private double layer(int i, double[] gates) {
    NestedChoice choice = choices.get(i);
    return choice.skips() ? gates[choice.layerGate()] : 1;
  }

  /**
   * values[0] + sum over j of gates[first] ... gates[first + j - 1] (values[j] - values[j - 1]).
   */
  private static double nested(double[] values, double[] gates, int first) {
    double sum = values[0];
    double product = 1;
    for (int j = 1; j < values.length; j++) {
      product *= gates[first + j - 1];
      sum += product * (values[j] - values[j - 1]);
    }
    return sum;
  }

  /** Its derivatives by the gates, times a factor. */
  private static void slopes(
      double[] values, double[] gates, int first, double factor, double[] gradient) {
    for (int j = 1; j < values.length; j++) {
      double slope = 0;
      double product = 1;
      for (int i = 1; i < values.length; i++) {
        product *= i == j ? 1 : gates[first + i - 1];
        slope += i < j ? 0 : product * (values[i] - values[i - 1]);
      }
      gradient[first + j - 1] = factor * slope;
    }
  }
}
