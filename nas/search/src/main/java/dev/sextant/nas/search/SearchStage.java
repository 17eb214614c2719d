package dev.sextant.nas.search;

/**
 * A stage that searches in a supernet, and what it knows at its end. Costs in the search's unit.
 */
interface SearchStage extends Stage {
  /** What to derive the network by: for each decision the weights of its options. */
  double[][] preferences();

  /** The objective's trade-off in force. */
  double strength();

  /** Expected cost of the networks that the supernet stands for. */
  double expectedCost();

  /** Cost of the most probable network. */
  double argmaxCost();

  /** Most bytes of activations and workspace held at once in a weight step. */
  long weightPeak();

  /** The same in an architecture step. */
  long architecturePeak();

  /** Copies of the architecture parameters, for {@code result.json}. */
  Object alphaValues();
}
