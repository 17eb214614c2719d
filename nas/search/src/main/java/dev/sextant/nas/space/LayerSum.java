package dev.sextant.nas.space;

import dev.sextant.runtime.layer.Layer;
import dev.sextant.tensor.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToDoubleBiFunction;

/**
 * What the layers of a space's networks add up to, under any decisions: multiply-adds, parameters,
 * milliseconds. A layer's part depends on its own decision and, where widths are searched, on those
 * of its input and its output; so sums over all networks are found along the chain. Immutable.
 */
public final class LayerSum {
  /**
   * The part of one layer.
   *
   * @param choice the decision among its candidates, or -1 for a fixed layer
   * @param in the decision of its input's width, or -1; that of the output of the term before
   * @param out the decision of its output's width, or -1
   * @param parts by option of {@code in} (one for -1), of {@code out}, and of {@code choice}; where
   *     {@code in} and {@code out} are the same decision, only equal options mean something
   */
  public record Term(int choice, int in, int out, double[][][] parts) {
    /**
     * {@return whether an option of the input's width can go with one of the output's}
     *
     * @param inOption option of the width that comes in, 0 where it is fixed
     * @param outOption option of the width that goes out, 0 where it is fixed
     */
    public boolean joins(int inOption, int outOption) {
      return in < 0 || in != out || inOption == outOption;
    }
  }

  private final double fixed;
  private final List<Term> terms;
  private final int[] options;

  /**
   * A sum.
   *
   * @param fixed what no decision changes
   * @param terms in the order of the chain
   * @param options how many options each decision has
   */
  public LayerSum(double fixed, List<Term> terms, int[] options) {
    this.fixed = fixed;
    this.terms = List.copyOf(terms);
    this.options = options.clone();
  }

  /**
   * {@return the sum of {@code part} over the layers of a space's networks, and {@code besides}}
   *
   * @param space whose networks' layers are summed
   * @param part what a layer adds, by the layer and the shape of its input
   * @param besides added once to every network
   */
  public static LayerSum of(Space space, ToDoubleBiFunction<Layer, Shape> part, double besides) {
    double fixed = besides;
    List<Term> terms = new ArrayList<>();
    int choice = 0;
    Shape[] inputs = space.inputShapes();
    for (int i = 0; i < inputs.length; i++) {
      List<Layer> candidates = space.positions().get(i).layers();
      int decision = space.positions().get(i) instanceof Position.Choice ? choice++ : -1;
      int in = space.widthDecision(i - 1);
      int out = space.widthDecision(i);
      if (decision < 0 && in < 0 && out < 0) {
        fixed += part.applyAsDouble(candidates.getFirst(), inputs[i]);
      } else {
        double[][][] parts =
            new double[in < 0 ? 1 : space.widths(i - 1).size()]
                [out < 0 ? 1 : space.widths(i).size()][];
        for (int a = 0; a < parts.length; a++) {
          Shape input = in < 0 ? inputs[i] : inputs[i].withChannels(space.widths(i - 1).get(a));
          for (int b = 0; b < parts[a].length; b++) {
            parts[a][b] = new double[candidates.size()];
            if (in < 0 || in != out || a == b) {
              for (int j = 0; j < candidates.size(); j++) {
                Layer layer = candidates.get(j);
                Layer sized = out < 0 ? layer : WidthChoice.withOut(layer, space.widths(i).get(b));
                parts[a][b][j] = part.applyAsDouble(sized, input);
              }
            }
          }
        }
        terms.add(new Term(decision, in, out, parts));
      }
    }
    return new LayerSum(fixed, terms, space.options());
  }

  /** {@return what no decision changes} */
  public double fixed() {
    return fixed;
  }

  /** {@return the layers on which something is decided, in the order of the chain} */
  public List<Term> terms() {
    return terms;
  }

  /** {@return how many options each decision has} */
  public int[] options() {
    return options.clone();
  }

  /**
   * {@return how many options a decision has, 1 for -1}
   *
   * @param decision index of the decision, or -1 for a width that is fixed
   */
  public int options(int decision) {
    return decision < 0 ? 1 : options[decision];
  }

  /**
   * {@return the sum of one network}
   *
   * @param decisions an option of each decision, in the order of the space
   */
  public double of(int[] decisions) {
    double sum = fixed;
    for (Term term : terms) {
      sum +=
          term.parts[option(term.in, decisions)][option(term.out, decisions)][
              option(term.choice, decisions)];
    }
    return sum;
  }

  private static int option(int decision, int[] decisions) {
    return decision < 0 ? 0 : decisions[decision];
  }

  /** {@return the smallest sum of all networks} */
  public double minimum() {
    return fixed + rest(false)[0][0];
  }

  /** {@return the largest sum of all networks} */
  public double maximum() {
    return fixed + rest(true)[0][0];
  }

  /**
   * {@return what term t and those after it add at least, or at most, by t and the option of the
   * width that term t takes in; one row more, of 0}
   *
   * @param most whether the greatest sums are asked for rather than the least
   */
  public double[][] rest(boolean most) {
    double[][] rest = new double[terms.size() + 1][];
    rest[terms.size()] = new double[terms.isEmpty() ? 1 : options(terms.getLast().out)];
    for (int t = terms.size() - 1; t >= 0; t--) {
      Term term = terms.get(t);
      rest[t] = new double[options(term.in)];
      Arrays.fill(rest[t], most ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY);
      for (int a = 0; a < rest[t].length; a++) {
        for (int b = 0; b < options(term.out); b++) {
          if (term.joins(a, b)) {
            for (double part : term.parts[a][b]) {
              double sum = part + rest[t + 1][b];
              rest[t][a] = most ? Math.max(rest[t][a], sum) : Math.min(rest[t][a], sum);
            }
          }
        }
      }
    }
    return rest;
  }
}
