package dev.sextant.nas.run;

/** A network that a run trains and judges. */
public sealed interface Contestant {
  /** The network that the search found. */
  record Found() implements Contestant {
    @Override
    public String key() {
      return "found";
    }
  }

  /**
   * One that the search found for a further budget.
   *
   * @param index from 2: the first is {@link Found}
   */
  record OnFront(int index) implements Contestant {
    /** Before the index, in names. */
    static final String PREFIX = "front-";

    @Override
    public String key() {
      return PREFIX + index;
    }
  }

  /** The best of random search. */
  record BestOfRandom() implements Contestant {
    @Override
    public String key() {
      return "random";
    }
  }

  /**
   * One that random search drew.
   *
   * @param index from 1
   */
  record Sample(int index) implements Contestant {
    /** Before the index, in names. */
    static final String PREFIX = "random-";

    @Override
    public String key() {
      return PREFIX + index;
    }
  }

  /** That of {@link Found}. */
  Contestant FOUND = new Found();

  /**
   * {@return the network of a budget}
   *
   * @param budget counted from 1
   */
  static Contestant found(int budget) {
    return budget == 1 ? FOUND : new OnFront(budget);
  }

  /** That of {@link BestOfRandom}. */
  Contestant BEST_OF_RANDOM = new BestOfRandom();

  /**
   * Begins the names of its results in checkpoints and {@code result.json}.
   *
   * @return the prefix
   */
  String key();
}
