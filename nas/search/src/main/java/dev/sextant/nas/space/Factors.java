package dev.sextant.nas.space;

import dev.sextant.tensor.Rng;

/**
 * What architecture parameters are to a space: logits of factors, the softmax of each of them the
 * probabilities p of its options, and how these stand for networks. Immutable.
 */
public interface Factors {
  /** In place of an option: all of them, averaged. */
  int ALL = -1;

  /** How many options each factor has. */
  int[] counts();

  /** Draws options of all factors. */
  void draw(double[][] p, Rng rng, int[] options);

  /**
   * What a step in the warm-up of shared weights trains in the place of the options drawn (TuNAS):
   * each operation is with probability {@code warmupLeft} replaced by the mean of all, and each
   * number of filters by the largest, independently.
   */
  void warmUp(double warmupLeft, Rng rng, int[] options);

  /** The decisions that options of all factors make. */
  int[] decisions(int[] options);

  /** Options of all factors that make these decisions; 0 for factors that do not count. */
  int[] options(int[] decisions);

  /** Adds {@code weight} ∇ln P of a network by the logits, P what it is drawn with. */
  void addScore(double[][] p, int[] decisions, double weight, double[][] gradient);

  /** What reports show: probabilities of each decision's options, and of what else is decided. */
  double[][] probabilities(double[][] p);

  /** What the most probable network is found by: for each decision the weights of its options. */
  double[][] preferences(double[][] p);
}
