package dev.sextant.nas.cost;

import dev.sextant.nas.space.LayerSum;
import dev.sextant.nas.space.LayerSum.Term;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The cost of a space's networks as a sum over their layers, and its expectation under independent
 * decisions (ProxylessNAS, eq. 5-6): E = fixed + sum over layers of sum over candidates of p_j F_j.
 * Where widths are searched, F_j also depends on the widths around the layer, and their
 * probabilities multiply. Immutable.
 */
public final class ExpectedCost implements DifferentiableCost {
  private final LayerSum sum;

  /**
   * Costs that add up layer by layer.
   *
   * @param sum what each layer adds, in the unit of the costs
   */
  public ExpectedCost(LayerSum sum) {
    this.sum = sum;
  }

  /**
   * Costs of a space of fixed widths.
   *
   * @param fixed of all layers that are no choice, and what a network costs besides its layers
   * @param candidates of each choice's candidates, in the unit of {@code fixed}
   */
  public ExpectedCost(double fixed, double[][] candidates) {
    this(new LayerSum(fixed, terms(candidates), counts(candidates)));
  }

  private static List<Term> terms(double[][] candidates) {
    List<Term> terms = new ArrayList<>();
    for (int i = 0; i < candidates.length; i++) {
      terms.add(new Term(i, -1, -1, new double[][][] {{candidates[i].clone()}}));
    }
    return terms;
  }

  private static int[] counts(double[][] candidates) {
    int[] counts = new int[candidates.length];
    for (int i = 0; i < counts.length; i++) {
      counts[i] = candidates[i].length;
    }
    return counts;
  }

  /** {@return the parts that add up} */
  public LayerSum sum() {
    return sum;
  }

  @Override
  public double of(int[] decisions) {
    return sum.of(decisions);
  }

  /** {@return the cheapest network's cost} */
  public double minimum() {
    return sum.minimum();
  }

  /** {@return the dearest network's cost} */
  public double maximum() {
    return sum.maximum();
  }

  @Override
  public double expected(double[][] probabilities) {
    double expected = sum.fixed();
    for (int t = 0; t < sum.terms().size(); t++) {
      Term term = sum.terms().get(t);
      double[][][] parts = term.parts();
      for (int a = 0; a < parts.length; a++) {
        for (int b = 0; b < parts[a].length; b++) {
          double width = together(term, a, b, probabilities);
          for (int j = 0; j < parts[a][b].length; j++) {
            expected += width * p(probabilities, term.choice(), j) * parts[a][b][j];
          }
        }
      }
    }
    return expected;
  }

  @Override
  public void gradient(double[][] probabilities, double[][] gradient) {
    for (double[] row : gradient) {
      Arrays.fill(row, 0);
    }
    for (int t = 0; t < sum.terms().size(); t++) {
      Term term = sum.terms().get(t);
      double[][][] parts = term.parts();
      for (int a = 0; a < parts.length; a++) {
        for (int b = 0; b < parts[a].length; b++) {
          add(term, a, b, probabilities, gradient);
        }
      }
    }
  }

  private static void add(Term term, int a, int b, double[][] probabilities, double[][] gradient) {
    if (!term.joins(a, b)) {
      return;
    }
    boolean same = term.in() == term.out();
    double in = p(probabilities, term.in(), a);
    double out = same ? 1 : p(probabilities, term.out(), b);
    double mean = 0;
    for (int j = 0; j < term.parts()[a][b].length; j++) {
      double part = term.parts()[a][b][j];
      mean += p(probabilities, term.choice(), j) * part;
      if (term.choice() >= 0) {
        gradient[term.choice()][j] += in * out * part;
      }
    }
    if (term.in() >= 0) {
      gradient[term.in()][a] += out * mean;
    }
    if (term.out() >= 0 && !same) {
      gradient[term.out()][b] += in * mean;
    }
  }

  /** The probability that input and output have these widths. */
  private static double together(Term term, int a, int b, double[][] probabilities) {
    if (!term.joins(a, b)) {
      return 0;
    }
    double in = p(probabilities, term.in(), a);
    return term.in() == term.out() ? in : in * p(probabilities, term.out(), b);
  }

  private static double p(double[][] probabilities, int decision, int option) {
    return decision < 0 ? 1 : probabilities[decision][option];
  }
}
