package dev.sextant.nas.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.method.RunLength;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How many epochs a method has in its time. */
class TimeSharesTest {
  private static final PartSeconds SUPERNET = new PartSeconds(4, 2, 5, 0, 0, 3);
  private static final PartSeconds SAMPLES = new PartSeconds(4, 0, 0, 2, 1.5, 3);

  /** 50 s of search less half of the fixed 4: 3 x 2 + 8 x 5 = 46; then (100 - 4 - 46) / 3 = 16. */
  @Test
  void halfOfTheTimeSearchesAndAQuarterOfThatWarmsUp() {
    TimeShares shares = new TimeShares(SUPERNET, 0, false);
    RunLength effort = shares.within(100);
    assertEquals(new RunLength(3, 8, 16, 0), effort);
    assertEquals(4 + 46 + 48, shares.seconds(effort));
  }

  /** 48 s of samples of 2 + 3 x 1.5 s each: 7; then (100 - 4 - 45.5) / 3 = 16. */
  @Test
  void randomSearchTrainsAsManySamplesAsTheTimeAllows() {
    TimeShares shares = new TimeShares(SAMPLES, 0, true);
    RunLength effort = shares.within(100);
    assertEquals(new RunLength(0, 21, 16, 7), effort);
    assertEquals(4 + 45.5 + 48, shares.seconds(effort));
    // Where not even one sample has its three epochs, it has fewer: 2 + 2 x 1.5 of 8 - 2.
    assertEquals(new RunLength(0, 2, 2, 1), shares.within(16));
  }

  @Test
  void theLeastTimeIsAnEpochOfEach() {
    assertEquals(4 + 5 + 3, new TimeShares(SUPERNET, 0, false).least());
    // One quiet epoch needs a second one with architecture steps.
    assertEquals(4 + 10 + 3, new TimeShares(SUPERNET, 1, false).least());
    assertEquals(4 + 2 + 1.5 + 3, new TimeShares(SAMPLES, 0, true).least());
  }

  @ParameterizedTest
  @ValueSource(doubles = {17, 18.5, 23, 40, 77.7, 180, 3600})
  void noTimeIsExceededAndLessThanAnEpochIsLeft(double seconds) {
    for (PartSeconds parts : new PartSeconds[] {SUPERNET, SAMPLES}) {
      for (int quiet = 0; quiet < 2; quiet++) {
        TimeShares shares = new TimeShares(parts, quiet, parts == SAMPLES);
        RunLength effort = shares.within(seconds);
        assertTrue(shares.seconds(effort) <= seconds, effort::toString);
        assertTrue(shares.seconds(effort) > seconds - parts.retrainEpoch(), effort::toString);
        assertTrue(effort.epochs() > quiet && effort.retrainEpochs() > 0, effort::toString);
      }
    }
  }

  @Test
  void theLeastOfEachPartStands() {
    assertEquals(
        new PartSeconds(1, 2, 3, 1, 1, 1),
        PartSeconds.least(
            Stream.of(new PartSeconds(1, 5, 3, 1, 2, 4), new PartSeconds(2, 2, 4, 3, 1, 1))));
  }
}
