package dev.sextant.cli.output;

import dev.sextant.nas.cost.CostProvider;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.run.SearchResult;
import dev.sextant.nas.run.SearchResult.Found;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The end of a search for one who has not read about it: a picture and three sentences. */
public final class Ending {
  private static final int WIDTH = 40;

  /** Closer than this, one run of each tells nothing: about the deviation between seeds. */
  private static final double EVEN = 0.003;

  private Ending() {}

  /** {@return its lines} */
  public static List<String> of(SearchResult result, SearchConfig config, Path directory) {
    List<String> lines = new ArrayList<>(picture(result));
    lines.add("");
    lines.add(first(result.found(), config));
    Found random = result.random();
    lines.add(
        random == null
            ? "It was not compared with random search."
            : second(result.found(), random));
    lines.add(
        String.format(
            Locale.ROOT,
            "Open %s for all of it as pictures; `sextant eval --model %s` runs the network.",
            directory.resolve("report.html"),
            directory));
    return lines;
  }

  /** Bars of accuracy and of time, each of the greatest. */
  private static List<String> picture(SearchResult result) {
    List<String> names = new ArrayList<>(List.of("search"));
    List<Found> networks = new ArrayList<>(List.of(result.found()));
    for (int i = 0; i < result.others().size(); i++) {
      names.add("budget " + (i + 2));
      networks.add(result.others().get(i));
    }
    if (result.random() != null) {
      names.add("random search");
      networks.add(result.random());
    }
    double slowest = networks.stream().mapToDouble(Found::measuredMs).max().orElse(1);
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < names.size(); i++) {
      Found network = networks.get(i);
      lines.add(
          line(
              names.get(i),
              network.testAccuracy(),
              String.format(
                  Locale.ROOT,
                  "%.2f %% %s",
                  100 * network.testAccuracy(),
                  network.architecture().detects() ? "mAP" : "right")));
      lines.add(
          line(
              "",
              network.measuredMs() / slowest,
              String.format(Locale.ROOT, "%.4f ms", network.measuredMs())));
    }
    return lines;
  }

  private static String line(String name, double share, String number) {
    int length = (int) Math.round(WIDTH * Math.clamp(share, 0, 1));
    String bar = (name.isEmpty() ? "=" : "#").repeat(length);
    return String.format(Locale.ROOT, "%-14s %-" + WIDTH + "s  %s", name, bar, number);
  }

  private static String first(Found found, SearchConfig config) {
    String sentence =
        String.format(
            Locale.ROOT,
            "The search found a network that %s and takes %.4f ms for one on this machine",
            does(found),
            found.measuredMs());
    CostProvider cost = config.recipe().cost();
    double change = found.measuredMs() / config.budget().cost() - 1;
    return !cost.isMeasurable() || !Double.isFinite(change)
        ? sentence + "."
        : String.format(
            Locale.ROOT,
            "%s, %.1f %% %s than you allowed.",
            sentence,
            Math.abs(100 * change),
            change <= 0 ? "less" : "more");
  }

  private static String does(Found found) {
    return String.format(
        Locale.ROOT,
        found.architecture().detects()
            ? "finds objects in test images with a mean average precision of %.1f %%"
            : "recognises %.1f of 100 test images",
        100 * found.testAccuracy());
  }

  private static String second(Found found, Found random) {
    double ahead = found.testAccuracy() - random.testAccuracy();
    String best =
        String.format(
            Locale.ROOT,
            "The best of networks drawn at random %s, with as much training",
            does(random));
    if (Math.abs(ahead) < EVEN) {
      return best + ": no difference that one run could tell.";
    }
    return String.format(
        Locale.ROOT,
        "%s: the search is %.1f %s, in this one run.",
        best,
        Math.abs(100 * ahead),
        ahead > 0 ? "ahead" : "behind");
  }
}
