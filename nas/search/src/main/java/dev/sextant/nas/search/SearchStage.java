package dev.sextant.nas.search;

import dev.sextant.nas.stage.RunStage;
import dev.sextant.nas.supernet.Network;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A search in a supernet, and what it leaves for derivation and results. */
interface SearchStage extends RunStage {
  /** The best network within a window of costs, or null where none was found. */
  int @Nullable [] best(Pricing pricing, double low, double high);

  /** The best network, whatever it costs. */
  int[] best();

  /** Networks spread over the costs of the space, the cheapest first, none of them dominated. */
  default List<Point> front(Pricing pricing, int count) {
    return List.of();
  }

  /** A table of what was scored, for programs; empty where nothing was. */
  default String scores() {
    return "";
  }

  /**
   * A network on the front.
   *
   * @param score by which it was taken
   */
  record Point(int[] decisions, double score) {}

  /** How far the score of the best network within a ceiling may be from the least there is. */
  default double gap(Pricing pricing, double ceiling) {
    return 0;
  }

  /** Average cost of the networks drawn. */
  double expectedCost();

  /** The objective's trade-off in force; 0 where there is none. */
  double lambda();

  /** Most bytes of activations and workspace held at once in a weight step. */
  long weightPeak();

  /** The same in the other steps. */
  long architecturePeak();

  /** What was learnt of each option of each factor: parameters of the policy, or effects. */
  List<float[]> alphaValues();

  /** Copies the weights of the network of these decisions into it. */
  void copyWeights(int[] decisions, Network network);
}
