package dev.sextant.nas.report;

import static dev.sextant.nas.report.Numbers.length;

import dev.sextant.nas.report.RunEvents.SearchEpoch;
import dev.sextant.nas.space.Position;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.space.WidthChoice;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Layer;
import dev.sextant.tensor.Shape;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The probability of every candidate over the epochs of the search: for each choice a strip with
 * one row a candidate and a cell an epoch, the stronger the more probable.
 */
final class ProbabilityStrips {
  private static final double WIDTH = 460;
  private static final double RIGHT = 54;
  private static final double ROW = 19;
  private static final double BOTTOM = 34;

  /** More epochs than pixels tell nothing: of longer searches every so many are shown. */
  private static final int MOST_COLUMNS = 160;

  private static final double CHARACTER = 7.9;

  private final List<SearchEpoch> columns;

  /** Where the strips begin: right of the longest label. */
  private final double left;

  /**
   * The probability drawn strongest: that of the most probable candidate, rounded up to a tenth.
   */
  private final double strongest;

  private ProbabilityStrips(Space space, List<SearchEpoch> epochs) {
    columns = columns(epochs);
    int longest =
        space.choices().stream()
            .flatMap(choice -> choice.candidates().stream())
            .mapToInt(candidate -> candidate.label().length())
            .max()
            .orElse(0);
    left = Math.min(12 + longest * CHARACTER, WIDTH / 2);
    double most =
        epochs.stream()
            .flatMap(epoch -> Arrays.stream(epoch.probabilities()))
            .flatMapToDouble(Arrays::stream)
            .max()
            .orElse(1);
    strongest = Math.clamp(Math.ceil(most * 10 - 1e-9) / 10, 0.1, 1);
  }

  /** Draws a strip for each choice; the candidates that the network has are marked. */
  static void draw(
      Html html, Space space, List<SearchEpoch> epochs, @Nullable Architecture network) {
    ProbabilityStrips strips = new ProbabilityStrips(space, epochs);
    strips.legend(html);
    Shape[] inputs = space.inputShapes();
    html.open("div", "class", "grid");
    int choice = 0;
    for (int i = 0; i < inputs.length; i++) {
      if (space.positions().get(i) instanceof Position.Choice(List<Layer> candidates)) {
        List<String> labels = candidates.stream().map(Layer::label).toList();
        int taken = network == null ? -1 : labels.indexOf(network.layers().get(i).label());
        String title =
            "Choice %d (layer %d): %s → %s"
                .formatted(
                    choice,
                    i,
                    Numbers.shape(inputs[i]),
                    Numbers.shape(candidates.getFirst().output(inputs[i])));
        strips.strip(html, title, choice, labels, taken);
        choice++;
      }
    }
    for (WidthChoice width : space.widthChoices()) {
      List<String> labels = width.options().stream().map(String::valueOf).toList();
      int channels = network == null ? -1 : network.shapes().get(width.first() + 1).channels();
      String title =
          "Choice %d (width of layers %d to %d)".formatted(choice, width.first(), width.last());
      strips.strip(html, title, choice, labels, width.options().indexOf(channels));
      choice++;
    }
    html.close();
  }

  private void legend(Html html) {
    html.open("p", "class", "legend");
    for (int i = 0; i <= 4; i++) {
      html.open("span");
      html.open("svg", "class", "swatch", "viewBox", "0 0 24 10", "aria-hidden", "true");
      cell(html, 0, 0, 24, 10, i / 4.0);
      html.open("rect", "class", "frame", "width", "24", "height", "10").close();
      html.close().text(" " + length(100 * strongest * i / 4) + " %").close();
    }
    html.close();
  }

  private void strip(Html html, String title, int choice, List<String> labels, int taken) {
    double bottom = labels.size() * ROW;
    html.open("figure").leaf("figcaption", title);
    html.open(
        "svg",
        "viewBox",
        "0 0 %s %s".formatted(length(WIDTH), length(bottom + BOTTOM)),
        "role",
        "img",
        "aria-label",
        title + ": probability of each candidate over the epochs");
    html.leaf("title", title);
    for (int j = 0; j < labels.size(); j++) {
      double y = j * ROW;
      double last = columns.getLast().probabilities()[choice][j];
      String style = j == taken ? "taken" : "candidate";
      String label = labels.get(j);
      text(html, label, style, left - 8, y + 13.5, "end");
      html.open("g");
      html.leaf(
          "title",
          "%s: %s after the first epoch, %s after the last"
              .formatted(
                  label,
                  Numbers.percent(columns.getFirst().probabilities()[choice][j]),
                  Numbers.percent(last)));
      row(html, choice, j, y + 1);
      html.close();
      String percent = String.format(Locale.ROOT, "%.1f %%", 100 * last);
      text(html, percent, style, WIDTH - RIGHT + 8, y + 13.5, "start");
    }
    html.open(
            "rect",
            "class",
            "frame",
            "x",
            length(left),
            "y",
            "0.5",
            "width",
            length(WIDTH - left - RIGHT),
            "height",
            length(bottom))
        .close();
    text(html, "epoch " + columns.getFirst().epoch(), "label", left, bottom + 16, "start");
    if (columns.size() > 1) {
      text(
          html,
          String.valueOf(columns.getLast().epoch()),
          "label",
          WIDTH - RIGHT,
          bottom + 16,
          "end");
    }
    html.close().close();
  }

  /** Cells of equal percent side by side become one. */
  private void row(Html html, int choice, int candidate, double y) {
    double cell = (WIDTH - left - RIGHT) / columns.size();
    for (int from = 0; from < columns.size(); ) {
      long percent = percent(columns.get(from), choice, candidate);
      int to = from + 1;
      while (to < columns.size() && percent(columns.get(to), choice, candidate) == percent) {
        to++;
      }
      double opacity = Math.min(1, percent / (100 * strongest));
      cell(html, left + from * cell, y, (to - from) * cell, ROW - 1.5, opacity);
      from = to;
    }
  }

  private static void cell(
      Html html, double x, double y, double width, double height, double opacity) {
    html.open(
            "rect",
            "class",
            "heat",
            "x",
            length(x),
            "y",
            length(y),
            "width",
            length(width),
            "height",
            length(height),
            "fill-opacity",
            length(opacity))
        .close();
  }

  private static long percent(SearchEpoch epoch, int choice, int candidate) {
    return Math.round(100 * epoch.probabilities()[choice][candidate]);
  }

  private static List<SearchEpoch> columns(List<SearchEpoch> epochs) {
    int every = Math.ceilDiv(epochs.size(), MOST_COLUMNS);
    int last = epochs.size() - 1;
    // Counted from the end, so that the last epoch is always among them.
    return IntStream.rangeClosed(0, last)
        .filter(i -> (last - i) % every == 0)
        .mapToObj(epochs::get)
        .toList();
  }

  private static void text(
      Html html, String text, String style, double x, double y, String anchor) {
    html.leaf("text", text, "class", style, "x", length(x), "y", length(y), "text-anchor", anchor);
  }
}
