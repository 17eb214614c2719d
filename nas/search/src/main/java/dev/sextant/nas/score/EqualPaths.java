package dev.sextant.nas.score;

import dev.sextant.tensor.Rng;

/**
 * Paths through a supernet in which every option of a factor comes up equally often: each factor
 * deals its options in an order of its own, and shuffles them anew once all have been dealt (strict
 * fairness of FairNAS, Chu et al., 2019, a path a step). Confined to one thread; allocates nothing
 * after it was made.
 */
public final class EqualPaths {
  private final Rng rng;
  private final int[][] decks;
  private final int[] dealt;

  /**
   * Paths of some factors.
   *
   * @param counts options of each factor
   * @param rng that shuffles; part of a checkpoint, as is {@link #state}
   */
  public EqualPaths(int[] counts, Rng rng) {
    this.rng = rng;
    decks = new int[counts.length][];
    dealt = new int[counts.length];
    for (int f = 0; f < counts.length; f++) {
      decks[f] = new int[counts[f]];
      for (int j = 0; j < counts[f]; j++) {
        decks[f][j] = j;
      }
      dealt[f] = counts[f];
    }
  }

  /**
   * {@return that many paths: networks over the whole range of costs, since a fit to those near a
   * budget alone knows little}
   *
   * @param counts options of each factor, or of each decision
   * @param count of paths
   * @param rng that shuffles
   */
  public static int[][] drawn(int[] counts, int count, Rng rng) {
    EqualPaths draws = new EqualPaths(counts, rng);
    int[][] drawn = new int[count][counts.length];
    for (int[] path : drawn) {
      draws.next(path);
    }
    return drawn;
  }

  /**
   * Deals the next path.
   *
   * @param options written, one of each factor
   */
  public void next(int[] options) {
    for (int f = 0; f < decks.length; f++) {
      if (dealt[f] == decks[f].length) {
        rng.shuffle(decks[f]);
        dealt[f] = 0;
      }
      options[f] = decks[f][dealt[f]++];
    }
  }

  /** {@return what the next paths depend on besides the generator} */
  public double[] state() {
    int length = dealt.length;
    for (int[] deck : decks) {
      length += deck.length;
    }
    double[] state = new double[length];
    int at = 0;
    for (int f = 0; f < decks.length; f++) {
      state[at++] = dealt[f];
      for (int option : decks[f]) {
        state[at++] = option;
      }
    }
    return state;
  }

  /**
   * Goes on from a checkpoint.
   *
   * @param state as {@link #state} gave it
   */
  public void restore(double[] state) {
    int at = 0;
    for (int f = 0; f < decks.length; f++) {
      dealt[f] = (int) state[at++];
      for (int j = 0; j < decks[f].length; j++) {
        decks[f][j] = (int) state[at++];
      }
    }
  }
}
