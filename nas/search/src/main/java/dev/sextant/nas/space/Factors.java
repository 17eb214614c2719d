package dev.sextant.nas.space;

import dev.sextant.tensor.Rng;

/**
 * What architecture parameters are to a space: logits of factors, the softmax of each of them the
 * probabilities p of its options, and how these stand for networks. Immutable.
 */
public interface Factors {
  /** In place of an option: all of them, averaged. */
  int ALL = -1;

  /** {@return how many options each factor has} */
  int[] counts();

  /**
   * Draws options of all factors.
   *
   * @param p probabilities of the options, by factor
   * @param rng the run's generator
   * @param options written, one of each factor
   */
  void draw(double[][] p, Rng rng, int[] options);

  /**
   * What a step in the warm-up of shared weights trains in the place of the options drawn (TuNAS):
   * each operation is with probability {@code warmupLeft} replaced by the mean of all, and each
   * number of filters by the largest, independently.
   *
   * @param warmupLeft share of the warm-up that is to come, from 1 to 0
   * @param rng the run's generator
   * @param options the options drawn, one of each factor; overwritten
   */
  void warmUp(double warmupLeft, Rng rng, int[] options);

  /**
   * {@return the decisions that options of all factors make}
   *
   * @param options one of each factor
   */
  int[] decisions(int[] options);

  /**
   * {@return the options of all factors that make these decisions; 0 for factors that do not count}
   *
   * @param decisions an option of each decision, in the order of the space
   */
  int[] options(int[] decisions);

  /**
   * Adds {@code weight} ∇ln P of a network by the logits, P what it is drawn with.
   *
   * @param p probabilities of the options, by factor
   * @param decisions an option of each decision, in the order of the space
   * @param weight what the score is multiplied by
   * @param gradient by factor and option; added to
   */
  void addScore(double[][] p, int[] decisions, double weight, double[][] gradient);

  /**
   * {@return what reports show: probabilities of each decision's options, and of what else is
   * decided}
   *
   * @param p probabilities of the options, by factor
   */
  double[][] probabilities(double[][] p);

  /**
   * {@return what the most probable network is found by: for each decision the weights of its
   * options}
   *
   * @param p probabilities of the options, by factor
   */
  double[][] preferences(double[][] p);
}
