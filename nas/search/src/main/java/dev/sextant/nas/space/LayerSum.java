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
    /** Whether an option of the input's width can go with one of the output's. */
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

  /** The sum of {@code part} over the layers of a space's networks, and {@code besides}. */
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

  /** What no decision changes. */
  public double fixed() {
    return fixed;
  }

  /** The layers on which something is decided, in the order of the chain. */
  public List<Term> terms() {
    return terms;
  }

  /** How many options each decision has. */
  public int[] options() {
    return options.clone();
  }

  /** How many options a decision has, 1 for -1. */
  public int options(int decision) {
    return decision < 0 ? 1 : options[decision];
  }

  /** The sum of one network. */
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

  /** The smallest sum of all networks. */
  public double minimum() {
    return fixed + rest(false)[0][0];
  }

  /** The largest sum of all networks. */
  public double maximum() {
    return fixed + rest(true)[0][0];
  }

  /**
   * What term t and those after it add at least, or at most, by t and the option of the width that
   * term t takes in; one row more, of 0.
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
