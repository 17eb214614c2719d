package dev.sextant.nas.compare;

import dev.sextant.nas.method.RunLength;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;

/** A comparison of two seeds of a method, whose lengths are given rather than timed. */
public final class TwoRuns {
  /** Steps enough to be killed between. */
  public static final RunLength LENGTH = new RunLength(1, 2, 2, 0);

  private TwoRuns() {}

  /** Makes its directory, with both runs ready to begin. */
  public static void begin(Path directory, Entrant entrant) {
    Plan.Planned method =
        new Plan.Planned(
            entrant.name(),
            entrant.setup().space().name(),
            false,
            new PartSeconds(1, 1, 1, 1, 1, 1),
            LENGTH,
            1,
            false);
    Plan plan =
        new Plan(
            new LinkedHashMap<>(),
            entrant.setup().dataSource(),
            entrant.setup().config().budget().cost(),
            false,
            1,
            2,
            List.of(method));
    MethodComparison.begin(directory, plan, List.of(entrant));
  }
}
