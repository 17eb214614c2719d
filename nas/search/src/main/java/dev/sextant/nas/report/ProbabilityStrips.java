package dev.sextant.nas.report;

import static dev.sextant.nas.report.page.Numbers.length;

import dev.sextant.nas.report.RunEvents.SearchEpoch;
import dev.sextant.nas.report.page.Html;
import dev.sextant.nas.report.page.Numbers;
import dev.sextant.nas.space.CellNetworkSpace;
import dev.sextant.nas.space.CellSpace;
import dev.sextant.nas.space.Position;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.space.WidthChoice;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.layer.Cell;
import dev.sextant.runtime.layer.Cell.Edge;
import dev.sextant.runtime.layer.Cell.Node;
import dev.sextant.runtime.layer.Cell.Op;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.tensor.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
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

  private ProbabilityStrips(List<Strip> strips, List<SearchEpoch> epochs) {
    columns = columns(epochs);
    int longest =
        strips.stream()
            .flatMap(strip -> strip.labels.stream())
            .mapToInt(String::length)
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

  /**
   * What stands beside a strip.
   *
   * @param labels of its rows
   * @param taken which of them the network has
   */
  private record Strip(String title, List<String> labels, BitSet taken) {
    Strip(String title, List<String> labels, int taken) {
      this(title, labels, new BitSet());
      if (taken >= 0) {
        this.taken.set(taken);
      }
    }
  }

  /** Draws a strip for each choice; the candidates that the network has are marked. */
  static void draw(
      Html html, SearchSpace space, List<SearchEpoch> epochs, @Nullable Architecture network) {
    List<Strip> strips =
        switch (space) {
          case Space chain -> strips(chain, network);
          case CellNetworkSpace cells -> strips(cells, network);
        };
    ProbabilityStrips drawing = new ProbabilityStrips(strips, epochs);
    drawing.legend(html);
    html.open("div", "class", "grid");
    for (int choice = 0; choice < strips.size(); choice++) {
      drawing.strip(html, strips.get(choice), choice);
    }
    html.close();
  }

  private static List<Strip> strips(Space space, @Nullable Architecture network) {
    List<Strip> strips = new ArrayList<>();
    Shape[] inputs = space.inputShapes();
    for (int i = 0; i < inputs.length; i++) {
      if (space.positions().get(i) instanceof Position.Choice(List<Layer> candidates)) {
        List<String> labels = candidates.stream().map(Layer::label).toList();
        int taken = network == null ? -1 : labels.indexOf(network.layers().get(i).label());
        String title =
            "Choice %d (layer %d): %s → %s"
                .formatted(
                    strips.size(),
                    i,
                    Numbers.shape(inputs[i]),
                    Numbers.shape(candidates.getFirst().output(inputs[i])));
        strips.add(new Strip(title, labels, taken));
      }
    }
    for (WidthChoice width : space.widthChoices()) {
      List<String> labels = width.options().stream().map(String::valueOf).toList();
      int channels = network == null ? -1 : network.shapes().get(width.first() + 1).channels();
      String title =
          "Choice %d (width of layers %d to %d)"
              .formatted(strips.size(), width.first(), width.last());
      strips.add(new Strip(title, labels, width.options().indexOf(channels)));
    }
    return strips;
  }

  /** The ops of every edge and, where edges are weighed, the edges of every node. */
  private static List<Strip> strips(CellNetworkSpace space, @Nullable Architecture network) {
    CellSpace cells = space.cells();
    List<String> ops = cells.candidates().stream().map(Op::label).toList();
    List<Strip> strips = new ArrayList<>();
    List<Strip> ofEdges = new ArrayList<>();
    for (int stride = 1; stride <= 2; stride++) {
      String type = stride == 1 ? "Normal cell" : "Reduction cell";
      List<Node> found = network == null ? List.of() : nodes(network, stride);
      for (int node = 0; node < cells.nodes(); node++) {
        BitSet kept = new BitSet();
        for (int from = 0; from < node + Cell.INPUTS; from++) {
          int taken = -1;
          for (Edge edge : found.isEmpty() ? List.<Edge>of() : found.get(node).edges()) {
            if (edge.from() == from) {
              taken = cells.candidates().indexOf(edge.op());
              kept.set(from);
            }
          }
          String title = "%s: node %d from %d".formatted(type, node + Cell.INPUTS, from);
          strips.add(new Strip(title, ops, taken));
        }
        List<String> edges =
            IntStream.range(0, node + Cell.INPUTS).mapToObj(from -> "from " + from).toList();
        String title = "%s: edges into node %d".formatted(type, node + Cell.INPUTS);
        ofEdges.add(new Strip(title, edges, kept));
      }
    }
    if (cells.edgeNormalized()) {
      strips.addAll(ofEdges);
    }
    return strips;
  }

  /** The graph of the first cell of that stride. */
  private static List<Node> nodes(Architecture network, int stride) {
    for (Layer layer : network.layers()) {
      if (layer instanceof Cell cell && cell.stride() == stride) {
        return cell.nodes();
      }
    }
    return List.of();
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

  private void strip(Html html, Strip strip, int choice) {
    String title = strip.title;
    List<String> labels = strip.labels;
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
      String style = strip.taken.get(j) ? "taken" : "candidate";
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
