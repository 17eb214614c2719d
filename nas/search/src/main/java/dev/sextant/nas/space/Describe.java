package dev.sextant.nas.space;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Architecture.Input;
import dev.sextant.runtime.json.JsonText;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.tensor.Shape;
import java.util.ArrayList;
import java.util.DoubleSummaryStatistics;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleBiFunction;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Architectures and spaces for people (a text table) and for programs (JSON): layers, output
 * shapes, parameters and multiply-adds for one image, counted as {@link Layer} says.
 */
@SuppressWarnings("exports") // JSON is shared with what describes cells
public final class Describe {
  private static final List<String> HEADER = List.of("#", "layer", "output", "parameters", "MACs");
  private static final List<String> PRICED_HEADER =
      List.of("#", "layer", "output", "parameters", "MACs", "ms");

  private Describe() {}

  /**
   * What layers cost on some machine.
   *
   * @param ms milliseconds of a layer on an input {@code [1, H, W, C]} or {@code [1, C]}
   * @param overheadMs what a network costs besides its layers
   */
  public record Prices(ToDoubleBiFunction<Layer, Shape> ms, double overheadMs) {
    private double of(Layer layer, Shape input) {
      return ms.applyAsDouble(layer, input);
    }
  }

  /**
   * {@return a table with one row for each layer and the totals below it}
   *
   * @param architecture to be described
   */
  public static String text(Architecture architecture) {
    return text(architecture, null);
  }

  /**
   * {@return the same with predicted latencies, where prices are given; throws what they throw}
   *
   * @param architecture to be described
   * @param prices milliseconds of each layer, or null
   */
  public static String text(Architecture architecture, @Nullable Prices prices) {
    List<Shape> shapes = architecture.shapes();
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < architecture.layers().size(); i++) {
      rows.add(row(i, architecture.layers().get(i), shapes.get(i), shapes.get(i + 1), prices));
    }
    String latency =
        prices == null
            ? ""
            : "predicted latency: %s ms, of which %s besides layers\n"
                .formatted(ms(total(architecture, prices)), ms(prices.overheadMs));
    return title(architecture.name(), architecture.input(), architecture.classes())
        + table(rows, prices)
        + "total: %s parameters, %s MACs\n"
            .formatted(grouped(architecture.parameters()), grouped(architecture.macs()))
        + latency;
  }

  private static double total(Architecture architecture, Prices prices) {
    List<Shape> shapes = architecture.shapes();
    double sum = prices.overheadMs;
    for (int i = 0; i < architecture.layers().size(); i++) {
      sum += prices.of(architecture.layers().get(i), shapes.get(i));
    }
    return sum;
  }

  /** The least and the most milliseconds over some networks or candidates. */
  private record Milliseconds(double minimum, double maximum) {
    static Milliseconds of(Position position, Shape input, Prices prices) {
      List<Layer> candidates =
          switch (position) {
            case Position.Fixed fixed -> List.of(fixed.layer());
            case Position.Choice choice -> choice.candidates();
          };
      DoubleSummaryStatistics costs =
          candidates.stream().mapToDouble(layer -> prices.of(layer, input)).summaryStatistics();
      return new Milliseconds(costs.getMin(), costs.getMax());
    }

    static Milliseconds of(Space space, Prices prices) {
      Shape[] inputs = space.inputShapes();
      double minimum = prices.overheadMs;
      double maximum = prices.overheadMs;
      for (int i = 0; i < inputs.length; i++) {
        Milliseconds position = of(space.positions().get(i), inputs[i], prices);
        minimum += position.minimum;
        maximum += position.maximum;
      }
      return new Milliseconds(minimum, maximum);
    }

    String text() {
      return ms(minimum) + " to " + ms(maximum);
    }
  }

  private static String ms(double value) {
    return String.format(Locale.ROOT, "%.4f", value);
  }

  /**
   * {@return a table with one row for each position, its candidates and their range of costs, and
   * the size of the space below it}
   *
   * @param space to be described
   */
  public static String text(Space space) {
    return text(space, null);
  }

  /**
   * {@return the same with predicted latencies, where prices are given; throws what they throw}
   *
   * @param space to be described
   * @param prices milliseconds of each layer, or null
   */
  public static String text(Space space, @Nullable Prices prices) {
    Shape[] inputs = space.inputShapes();
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < inputs.length; i++) {
      rows.add(
          switch (space.positions().get(i)) {
            case Position.Fixed fixed ->
                row(i, fixed.layer(), inputs[i], output(space, inputs, i), prices);
            case Position.Choice choice -> row(i, choice, inputs[i], prices);
          });
    }
    String latency =
        prices == null
            ? ""
            : "predicted latency: %s ms, of which %s besides layers\n"
                .formatted(Milliseconds.of(space, prices).text(), ms(prices.overheadMs));
    return title(space.name(), space.input(), space.classes())
        + table(rows, prices)
        + "networks: %s from %d choices, of %s parameters and %s MACs\n"
            .formatted(
                String.format(Locale.ROOT, "%,d", space.size()),
                space.choices().size(),
                grouped(space.parameters()),
                grouped(space.macs()))
        + "supernet with all candidates: %s parameters\n"
            .formatted(grouped(space.supernetParameters()))
        + latency;
  }

  /**
   * {@return the same as one JSON object: {@code kind} ("architecture"), {@code name}, {@code
   * classes}, {@code input}, {@code parameters}, {@code macs}, and for each of {@code layers} its
   * {@code layer}, {@code output} [H, W, C] or [C], {@code parameters} and {@code macs}}
   *
   * @param architecture to be described
   */
  public static String json(Architecture architecture) {
    return json(architecture, null);
  }

  /**
   * {@return the same with {@code predicted-ms} of the network and {@code ms} of each layer, where
   * prices are given; throws what they throw}
   *
   * @param architecture to be described
   * @param prices milliseconds of each layer, or null
   */
  public static String json(Architecture architecture, @Nullable Prices prices) {
    JsonObject root =
        head("architecture", architecture.name(), architecture.input(), architecture.classes());
    root.addProperty("parameters", architecture.parameters());
    root.addProperty("macs", architecture.macs());
    if (prices != null) {
      root.addProperty("predicted-ms", total(architecture, prices));
    }
    List<Shape> shapes = architecture.shapes();
    JsonArray layers = new JsonArray();
    for (int i = 0; i < architecture.layers().size(); i++) {
      layers.add(layer(architecture.layers().get(i), shapes.get(i), shapes.get(i + 1), prices));
    }
    root.add("layers", layers);
    return JsonText.print(root);
  }

  /**
   * {@return the same as one JSON object: {@code kind} ("space"), {@code name}, {@code classes},
   * {@code input}, {@code size} (a string: it may pass 2^53), {@code choices}, {@code
   * supernet-parameters}, {@code parameters} and {@code macs} ({@code minimum}, {@code maximum}),
   * and for each of {@code positions} a layer as {@link #json(Architecture)} has it or {@code
   * {"choice": [layers]}}}
   *
   * @param space to be described
   */
  public static String json(Space space) {
    return json(space, null);
  }

  /**
   * {@return the same with {@code predicted-ms} ({@code minimum}, {@code maximum}) of the networks
   * and {@code ms} of each layer, where prices are given; throws what they throw}
   *
   * @param space to be described
   * @param prices milliseconds of each layer, or null
   */
  public static String json(Space space, @Nullable Prices prices) {
    JsonObject root = head("space", space.name(), space.input(), space.classes());
    root.addProperty("size", space.size().toString());
    root.addProperty("choices", space.choices().size());
    root.addProperty("supernet-parameters", space.supernetParameters());
    root.add("parameters", range(space.parameters()));
    root.add("macs", range(space.macs()));
    if (prices != null) {
      Milliseconds range = Milliseconds.of(space, prices);
      JsonObject json = new JsonObject();
      json.addProperty("minimum", range.minimum);
      json.addProperty("maximum", range.maximum);
      root.add("predicted-ms", json);
    }
    Shape[] inputs = space.inputShapes();
    JsonArray positions = new JsonArray();
    for (int i = 0; i < inputs.length; i++) {
      positions.add(
          switch (space.positions().get(i)) {
            case Position.Fixed fixed ->
                layer(fixed.layer(), inputs[i], output(space, inputs, i), prices);
            case Position.Choice choice -> {
              JsonArray candidates = new JsonArray();
              for (Layer candidate : choice.candidates()) {
                candidates.add(layer(candidate, inputs[i], candidate.output(inputs[i]), prices));
              }
              JsonObject json = new JsonObject();
              json.add("choice", candidates);
              yield json;
            }
          });
    }
    root.add("positions", positions);
    return JsonText.print(root);
  }

  /**
   * {@return what every JSON description begins with: kind, name, classes and input}
   *
   * @param kind {@code space}, {@code cells} or {@code architecture}
   * @param name of what is described
   * @param input size of the images
   * @param classes width of the logits
   */
  public static JsonObject head(String kind, String name, Input input, int classes) {
    JsonObject root = new JsonObject();
    root.addProperty("kind", kind);
    root.addProperty("name", name);
    root.addProperty("classes", classes);
    JsonObject image = new JsonObject();
    image.addProperty("height", input.height());
    image.addProperty("width", input.width());
    image.addProperty("channels", input.channels());
    root.add("input", image);
    return root;
  }

  /** What a fixed position gives: the next one's input, which tells where chains fork too. */
  private static Shape output(Space space, Shape[] inputs, int i) {
    return i + 1 < inputs.length
        ? inputs[i + 1]
        : space.positions().get(i).layers().getFirst().output(inputs[i]);
  }

  private static JsonObject layer(Layer layer, Shape input, Shape shape, @Nullable Prices prices) {
    JsonObject json = new JsonObject();
    json.addProperty("layer", layer.label());
    JsonArray output = new JsonArray();
    for (int i = 1; i < shape.rank(); i++) {
      output.add(shape.get(i));
    }
    json.add("output", output);
    json.addProperty("parameters", layer.parameters(input));
    json.addProperty("macs", layer.macs(input));
    if (prices != null) {
      json.addProperty("ms", prices.of(layer, input));
    }
    return json;
  }

  /**
   * {@return a range as {@code minimum} and {@code maximum}}
   *
   * @param range least and greatest
   */
  public static JsonObject range(Space.Range range) {
    JsonObject json = new JsonObject();
    json.addProperty("minimum", range.minimum());
    json.addProperty("maximum", range.maximum());
    return json;
  }

  /** One row of a table; the note, if any, stands on a line of its own below it. */
  private record Row(List<String> cells, String note) {}

  private static Row row(
      int index, Layer layer, Shape input, Shape output, @Nullable Prices prices) {
    List<String> cells = new ArrayList<>();
    cells.add(String.valueOf(index));
    cells.add(layer.label());
    cells.add(image(output));
    cells.add(grouped(layer.parameters(input)));
    cells.add(grouped(layer.macs(input)));
    if (prices != null) {
      cells.add(ms(prices.of(layer, input)));
    }
    return new Row(cells, "");
  }

  private static Row row(int index, Position.Choice choice, Shape input, @Nullable Prices prices) {
    List<Layer> candidates = choice.candidates();
    List<String> cells = new ArrayList<>();
    cells.add(String.valueOf(index));
    cells.add("choice of " + candidates.size());
    cells.add(image(candidates.getFirst().output(input)));
    cells.add(grouped(Space.Range.of(candidates, layer -> layer.parameters(input))));
    cells.add(grouped(Space.Range.of(candidates, layer -> layer.macs(input))));
    if (prices != null) {
      cells.add(Milliseconds.of(choice, input, prices).text());
    }
    return new Row(cells, candidates.stream().map(Layer::label).collect(Collectors.joining(", ")));
  }

  private static String title(String name, Input input, int classes) {
    return "%s: %dx%dx%d, %d classes\n"
        .formatted(name, input.height(), input.width(), input.channels(), classes);
  }

  private static String table(List<Row> rows, @Nullable Prices prices) {
    List<String> header = prices == null ? HEADER : PRICED_HEADER;
    int[] widths = new int[header.size()];
    for (int column = 0; column < widths.length; column++) {
      widths[column] = header.get(column).length();
      for (Row row : rows) {
        widths[column] = Math.max(widths[column], row.cells.get(column).length());
      }
    }
    StringBuilder text = new StringBuilder();
    line(text, header, widths);
    for (Row row : rows) {
      line(text, row.cells, widths);
      if (!row.note.isEmpty()) {
        text.append(" ".repeat(widths[0] + 4)).append(row.note).append('\n');
      }
    }
    return text.toString();
  }

  /** The layer's name to the left, the numbers to the right. */
  private static void line(StringBuilder text, List<String> cells, int[] widths) {
    for (int column = 0; column < widths.length; column++) {
      String pad = " ".repeat(widths[column] - cells.get(column).length());
      text.append(column == 0 ? "" : "  ");
      text.append(column == 1 ? cells.get(column) + pad : pad + cells.get(column));
    }
    text.append('\n');
  }

  /** Height x width x channels, or the features alone. */
  private static String image(Shape shape) {
    return shape.rank() == 4
        ? "%dx%dx%d".formatted(shape.get(1), shape.get(2), shape.get(3))
        : String.valueOf(shape.channels());
  }

  private static String grouped(long value) {
    return String.format(Locale.ROOT, "%,d", value);
  }

  private static String grouped(Space.Range range) {
    return grouped(range.minimum()) + " to " + grouped(range.maximum());
  }
}
