package dev.sextant.nas.run;

import dev.sextant.tensor.SextantException;
import java.util.Locale;

/** Which stage of a run: what events, checkpoints and progress call it, and back. */
public sealed interface StageName {
  /** The search in a supernet. */
  record Search() implements StageName {
    @Override
    public String text() {
      return "search";
    }
  }

  /**
   * The training of one network.
   *
   * @param network whose training it is
   */
  record Training(Contestant network) implements StageName {
    @Override
    public String text() {
      return switch (network) {
        case Contestant.Found _ -> "retrain";
        case Contestant.BestOfRandom _ -> "random-retrain";
        case Contestant.Sample sample -> sample.key();
        case Contestant.OnFront front -> front.key();
      };
    }
  }

  /** The training of a network that the user gave, in a run of its own. */
  record Given() implements StageName {
    @Override
    public String text() {
      return "train";
    }
  }

  /** That of {@link Given}. */
  StageName TRAIN = new Given();

  /** The search. */
  StageName SEARCH = new Search();

  /** The training of the network found. */
  StageName RETRAIN = new Training(Contestant.FOUND);

  /** The training of the best network of random search. */
  StageName RANDOM_RETRAIN = new Training(Contestant.BEST_OF_RANDOM);

  /**
   * {@return the training of a network that random search drew}
   *
   * @param index counted from 0
   */
  static StageName sample(int index) {
    return new Training(new Contestant.Sample(index));
  }

  /**
   * As in events, checkpoints and progress.
   *
   * @return the name
   */
  String text();

  /**
   * {@return the stage of a search that a text names}
   *
   * @param text as {@link #text} gives it
   * @param source of the text, for the message
   * @throws SextantException if it is none of a run
   */
  static StageName parse(String text, String source) {
    for (StageName stage : new StageName[] {SEARCH, RETRAIN, RANDOM_RETRAIN}) {
      if (stage.text().equals(text)) {
        return stage;
      }
    }
    if (text.matches(Contestant.Sample.PREFIX + "[1-9][0-9]{0,8}")) {
      return sample(Integer.parseInt(text.substring(Contestant.Sample.PREFIX.length())));
    }
    if (text.matches(Contestant.OnFront.PREFIX + "[1-9][0-9]{0,8}")) {
      return new Training(
          new Contestant.OnFront(
              Integer.parseInt(text.substring(Contestant.OnFront.PREFIX.length()))));
    }
    throw new SextantException(
        String.format(Locale.ROOT, "%s: '%s' is no stage of a search", source, text));
  }
}
