package dev.sextant.nas.compare;

import dev.sextant.nas.method.PublishedMethod;
import dev.sextant.nas.method.RunLength;
import dev.sextant.nas.run.SearchSetup;
import dev.sextant.nas.search.TinyRun;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeMap;

/** A comparison of two methods on a tiny space, ready to begin. */
public final class TinyComparison {
  private TinyComparison() {}

  /** Makes its directory, with two seeds of each method. */
  public static void make(Path directory) {
    begin(directory, 2);
  }

  /** Reads it back and writes it as things stand. */
  public static void again(Path directory) {
    MethodComparison.read(directory).write();
  }

  static Entrant entrant(PublishedMethod method) {
    SearchSetup setup = TinyRun.setup(TinyRun.config(0, method.recipe()));
    return new Entrant(method.toString(), setup, TinyRun.model(setup));
  }

  static MethodComparison begin(Path directory, int seeds) {
    PartSeconds parts = new PartSeconds(1, 1, 1, 1, 1, 1);
    return MethodComparison.begin(
        directory,
        new Plan(
            new TreeMap<>(),
            "builtin:600",
            entrant(PublishedMethod.PROXYLESS_G).setup().config().budget().cost(),
            false,
            5,
            seeds,
            List.of(
                new Plan.Planned(
                    "proxyless-g", "tiny", false, parts, new RunLength(0, 1, 1, 0), 5, false),
                new Plan.Planned(
                    "random", "tiny", true, parts, new RunLength(0, 1, 1, 1), 5, false))),
        List.of(entrant(PublishedMethod.PROXYLESS_G), entrant(PublishedMethod.RANDOM)));
  }
}
