package dev.sextant.nas.space;

import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.runtime.layer.Skip;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.ToDoubleFunction;

/**
 * The independent factors that a space's decisions are made of. With a flat factoring each decision
 * is one factor. With a grid factoring, TuNAS's, a choice among blocks is one factor for the
 * kernel, one for the expansion, one for squeeze-and-excite and one for skip, of which the others
 * count only where the layer is not skipped. Immutable.
 */
public final class Factoring implements Factors {
  /** What a factor decides, and so what a warm-up of shared weights does with it. */
  public enum Kind {
    /** Which operation: warmed up by averaging all. */
    OPERATION,
    /** How many channels: warmed up by taking the largest. */
    FILTERS
  }

  /**
   * One independent choice.
   *
   * @param name such as {@code kernel}
   * @param kind what an option of it changes
   * @param options how many there are
   * @param largest the option with the most channels; for {@link Kind#FILTERS}
   */
  public record Factor(String name, Kind kind, int options, int largest) {}

  private final List<Factor> factors = new ArrayList<>();
  private final int[] first;

  /** By decision, option and factor of that decision: the factor's option, or -1 for any. */
  private final int[][][] parts;

  private Factoring(int decisions) {
    first = new int[decisions + 1];
    parts = new int[decisions][][];
  }

  /**
   * {@return one factor for each decision}
   *
   * @param space whose decisions are factored
   */
  public static Factoring flat(Space space) {
    return of(space, false);
  }

  /**
   * {@return factors of blocks that differ in kernel, expansion and squeeze-and-excite, every
   * combination being a candidate, with or without skip}
   *
   * @param space whose decisions are factored
   * @throws SextantException naming the choice that is no such grid
   */
  public static Factoring grid(Space space) {
    return of(space, true);
  }

  private static Factoring of(Space space, boolean grid) {
    List<Position.Choice> choices = space.choices();
    Factoring factoring = new Factoring(choices.size() + space.widthChoices().size());
    int d = 0;
    for (Position.Choice choice : choices) {
      if (grid && choice.candidates().stream().anyMatch(MbConv.class::isInstance)) {
        factoring.blocks(d, choice.candidates());
      } else {
        factoring.whole(d, new Factor("layer", Kind.OPERATION, choice.candidates().size(), 0));
      }
      factoring.first[++d] = factoring.factors.size();
    }
    for (WidthChoice width : space.widthChoices()) {
      int options = width.options().size();
      factoring.whole(d, new Factor("width", Kind.FILTERS, options, options - 1));
      factoring.first[++d] = factoring.factors.size();
    }
    return factoring;
  }

  private void whole(int decision, Factor factor) {
    factors.add(factor);
    parts[decision] = new int[factor.options][];
    for (int j = 0; j < factor.options; j++) {
      parts[decision][j] = new int[] {j};
    }
  }

  /** A block's place on the axes of the grid. */
  private static Object[] axes(MbConv block) {
    return new Object[] {block.kernel(), block.expand(), block.squeezeExcite()};
  }

  private void blocks(int decision, List<Layer> candidates) {
    List<List<Object>> axes = List.of(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
    boolean skips = candidates.stream().anyMatch(Skip.class::isInstance);
    int blocks = candidates.size() - (skips ? 1 : 0);
    Set<Layer> rest = new LinkedHashSet<>();
    for (Layer layer : candidates) {
      if (layer instanceof Skip) {
        continue;
      }
      if (!(layer instanceof MbConv block)) {
        throw noGrid(decision);
      }
      for (int axis = 0; axis < 3; axis++) {
        Object value = axes(block)[axis];
        if (!axes.get(axis).contains(value)) {
          axes.get(axis).add(value);
        }
      }
      rest.add(
          new MbConv(1, block.stride(), 1, block.out(), block.activation(), 0, block.residual()));
    }
    boolean full = axes.stream().mapToInt(List::size).reduce(1, Math::multiplyExact) == blocks;
    if (!full || rest.size() > 1) {
      throw noGrid(decision);
    }
    List<Integer> used = new ArrayList<>();
    String[] names = {"kernel", "expansion", "squeeze-excite"};
    for (int axis = 0; axis < 3; axis++) {
      int options = axes.get(axis).size();
      if (options > 1) {
        used.add(axis);
        Kind kind = axis == 1 ? Kind.FILTERS : Kind.OPERATION;
        factors.add(new Factor(names[axis], kind, options, largest(axes.get(axis))));
      }
    }
    if (skips) {
      factors.add(new Factor("skip", Kind.OPERATION, 2, 0));
    }
    parts[decision] = new int[candidates.size()][used.size() + (skips ? 1 : 0)];
    for (int j = 0; j < candidates.size(); j++) {
      Arrays.fill(parts[decision][j], -1);
      if (candidates.get(j) instanceof MbConv block) {
        for (int f = 0; f < used.size(); f++) {
          parts[decision][j][f] = axes.get(used.get(f)).indexOf(axes(block)[used.get(f)]);
        }
      }
      if (skips) {
        parts[decision][j][used.size()] = candidates.get(j) instanceof Skip ? 1 : 0;
      }
    }
  }

  private static int largest(List<Object> values) {
    int largest = 0;
    for (int i = 1; i < values.size(); i++) {
      if (number(values.get(i)) > number(values.get(largest))) {
        largest = i;
      }
    }
    return largest;
  }

  private static double number(Object value) {
    return ((Number) value).doubleValue();
  }

  private static SextantException noGrid(int decision) {
    return new SextantException(
        String.format(
            Locale.ROOT,
            "collapsed weights: choice %d is not among all combinations of kernels, expansions and"
                + " squeeze-and-excite of one block, which share weights",
            decision));
  }

  /** {@return the factors, those of one decision after those of another} */
  public List<Factor> factors() {
    return List.copyOf(factors);
  }

  /**
   * {@return the factors of a decision, by index: from the first to before that of the next
   * decision}
   *
   * @param decision index of the decision, or how many there are
   */
  public int first(int decision) {
    return first[decision];
  }

  /** {@return how many decisions there are} */
  public int decisions() {
    return parts.length;
  }

  /**
   * {@return the option that a decision's option takes of each of the decision's factors, or -1
   * where the factor does not count}
   *
   * @param decision index of the decision
   * @param option of that decision
   */
  public int[] parts(int decision, int option) {
    return parts[decision][option].clone();
  }

  @Override
  public int[] counts() {
    return factors.stream().mapToInt(Factor::options).toArray();
  }

  @Override
  public void draw(double[][] p, Rng rng, int[] options) {
    for (int f = 0; f < options.length; f++) {
      options[f] = rng.categorical(p[f]);
    }
  }

  @Override
  public void warmUp(double warmupLeft, Rng rng, int[] options) {
    for (int f = 0; f < options.length; f++) {
      if (rng.nextDouble() < warmupLeft) {
        Factor factor = factors.get(f);
        options[f] =
            switch (factor.kind) {
              case OPERATION -> ALL;
              case FILTERS -> factor.largest;
            };
      }
    }
  }

  /** ∂ln p_j / ∂alpha_k = delta_jk - p_k, for the factors that the network uses. */
  @Override
  public void addScore(double[][] p, int[] decisions, double weight, double[][] gradient) {
    for (int d = 0; d < decisions.length; d++) {
      int[] of = parts[d][decisions[d]];
      for (int i = 0; i < of.length; i++) {
        int f = first[d] + i;
        for (int k = 0; of[i] >= 0 && k < p[f].length; k++) {
          gradient[f][k] += weight * ((k == of[i] ? 1 : 0) - p[f][k]);
        }
      }
    }
  }

  @Override
  public int[] decisions(int[] options) {
    int[] decisions = new int[parts.length];
    for (int d = 0; d < decisions.length; d++) {
      decisions[d] = decision(d, options);
    }
    return decisions;
  }

  private int decision(int d, int[] options) {
    for (int j = 0; j < parts[d].length; j++) {
      boolean fits = true;
      for (int f = 0; f < parts[d][j].length; f++) {
        int part = parts[d][j][f];
        fits &= part < 0 || part == options[first[d] + f];
      }
      if (fits) {
        return j;
      }
    }
    throw new IllegalArgumentException("no candidate of decision " + d);
  }

  @Override
  public int[] options(int[] decisions) {
    int[] options = new int[factors.size()];
    for (int d = 0; d < decisions.length; d++) {
      int[] of = parts[d][decisions[d]];
      for (int f = 0; f < of.length; f++) {
        options[first[d] + f] = Math.max(0, of[f]);
      }
    }
    return options;
  }

  /** Probabilities of each decision's options: products of those of the factors that count. */
  @Override
  public double[][] probabilities(double[][] factorProbabilities) {
    return products(factorProbabilities, _ -> 1);
  }

  /**
   * What a most probable network is to have: as {@link #probabilities}, but a factor that does not
   * count has the probability of its likeliest option. So the largest of each decision is that of
   * each factor's largest, and a skipped layer does not win because nothing is left to decide.
   */
  @Override
  public double[][] preferences(double[][] factorProbabilities) {
    return products(factorProbabilities, p -> Arrays.stream(p).max().orElse(1));
  }

  private double[][] products(double[][] p, ToDoubleFunction<double[]> uncounted) {
    double[][] products = new double[parts.length][];
    for (int d = 0; d < parts.length; d++) {
      products[d] = new double[parts[d].length];
      for (int j = 0; j < parts[d].length; j++) {
        double product = 1;
        for (int f = 0; f < parts[d][j].length; f++) {
          double[] options = p[first[d] + f];
          int part = parts[d][j][f];
          product *= part < 0 ? uncounted.applyAsDouble(options) : options[part];
        }
        products[d][j] = product;
      }
    }
    return products;
  }
}
