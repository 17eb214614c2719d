package dev.sextant.runtime.layer;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.sextant.runtime.json.JsonFields;
import dev.sextant.runtime.json.JsonText;
import dev.sextant.runtime.layer.Cell.Edge;
import dev.sextant.runtime.layer.Cell.Kind;
import dev.sextant.runtime.layer.Cell.Node;
import dev.sextant.tensor.SextantException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The nodes of a cell as JSON, {@code [{"edges": [{"from": 0, "op": "separable", "kernel": 3},
 * {"from": 1, "op": "identity"}]}, ...]}, and as a text of one line.
 */
@SuppressWarnings("exports") // dev.sextant.search shares the JSON reader
public final class CellNodes extends FieldKind<List<Node>> {
  /** An edge as {@link #text} writes it. */
  private static final Pattern EDGE =
      Pattern.compile("([a-z-]+)(?: (\\d{1,2})x\\2)? from (\\d{1,2})");

  private static final List<String> OPS = Arrays.stream(Kind.values()).map(Kind::word).toList();

  private static final String SCHEMA =
      """
      {"type": "array", "minItems": 1, "maxItems": 32, "items": {
        "type": "object", "additionalProperties": false, "required": ["edges"],
        "properties": {"edges": {"type": "array", "minItems": 1, "maxItems": 192,
          "items": {"$ref": "#/$defs/cell-op"}}}}}
      """;

  CellNodes() {}

  private static Optional<Kind> kind(String word) {
    return Arrays.stream(Kind.values()).filter(kind -> kind.word().equals(word)).findFirst();
  }

  @Override
  @SuppressWarnings("unchecked") // what read and Cell::nodes give
  List<Node> cast(Object value) {
    return (List<Node>) value;
  }

  @Override
  List<Node> read(JsonFields json, String name) {
    List<Node> nodes = new ArrayList<>();
    for (JsonFields node : json.objects(name, Cell.MAX_NODES)) {
      node.only(List.of("edges"));
      List<Edge> edges = new ArrayList<>();
      for (JsonFields edge : node.objects("edges", Cell.MAX_NODES * OPS.size())) {
        Cell.Op op = readOp(edge, List.of("from", "op"));
        edges.add(new Edge(edge.integer("from", 0, Cell.INPUTS + nodes.size() - 1), op));
      }
      nodes.add(new Node(edges));
    }
    return nodes;
  }

  /**
   * {@return the operation of an object, which has these fields and, where the operation has a
   * window, {@code "kernel"}}
   *
   * @param fields of the layer's entry
   * @param known names of the other fields that the object may have
   */
  public static Cell.Op readOp(JsonFields fields, List<String> known) {
    Kind kind = kind(fields.word("op", OPS, null)).orElseThrow();
    List<String> all = new ArrayList<>(known);
    if (kind.isWindowed()) {
      all.add("kernel");
    }
    fields.only(all);
    return new Cell.Op(kind, kind.isWindowed() ? Field.KERNELS.read(fields, "kernel") : 0);
  }

  /**
   * Adds the fields of an operation.
   *
   * @param op the operation
   * @param json the object to add to
   */
  public static void writeOp(Cell.Op op, JsonObject json) {
    json.addProperty("op", op.kind().word());
    if (op.kind().isWindowed()) {
      json.addProperty("kernel", op.kernel());
    }
  }

  @Override
  JsonElement write(List<Node> value) {
    JsonArray nodes = new JsonArray();
    for (Node node : value) {
      JsonArray edges = new JsonArray();
      for (Edge edge : node.edges()) {
        JsonObject entry = new JsonObject();
        entry.addProperty("from", edge.from());
        writeOp(edge.op(), entry);
        edges.add(entry);
      }
      JsonObject entry = new JsonObject();
      entry.add("edges", edges);
      nodes.add(entry);
    }
    return nodes;
  }

  @Override
  JsonObject schema() {
    return JsonText.parse(SCHEMA, "schema");
  }

  @Override
  void check(String where, List<Node> value) {
    // The cell checks its graph.
  }

  /**
   * {@return the nodes in a few words, a node's edges after each other: {@code 2(separable 3x3 from
   * 0, identity from 1) 3(...)}}
   *
   * @param nodes of a cell
   */
  public static String text(List<Node> nodes) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < nodes.size(); i++) {
      String separator = (i == 0 ? "" : " ") + (i + Cell.INPUTS) + "(";
      for (Edge edge : nodes.get(i).edges()) {
        text.append(separator).append(edge.op().label()).append(" from ").append(edge.from());
        separator = ", ";
      }
      text.append(')');
    }
    return text.toString();
  }

  /**
   * {@return the nodes of such a text}
   *
   * @param graph as {@link #text} gives it
   * @throws SextantException if it is none
   */
  public static List<Node> parse(String graph) {
    List<Node> nodes = new ArrayList<>();
    for (String node : graph.split("(?<=\\)) ", -1)) {
      String start = (nodes.size() + Cell.INPUTS) + "(";
      if (!node.startsWith(start) || !node.endsWith(")")) {
        throw new SextantException(
            String.format(Locale.ROOT, "cell: '%s' is no node %s...)", node, start));
      }
      List<Edge> edges = new ArrayList<>();
      for (String text : node.substring(start.length(), node.length() - 1).split(", ", -1)) {
        Edge edge = parseEdge(text);
        if (edge.from() >= Cell.INPUTS + nodes.size()) {
          throw new SextantException(
              String.format(
                  Locale.ROOT,
                  "cell: node %d has an edge from %d, which is no earlier node",
                  Cell.INPUTS + nodes.size(),
                  edge.from()));
        }
        edges.add(edge);
      }
      nodes.add(new Node(edges));
      if (nodes.size() > Cell.MAX_NODES) {
        throw new SextantException(
            String.format(Locale.ROOT, "cell: more than %d nodes", Cell.MAX_NODES));
      }
    }
    return nodes;
  }

  private static Edge parseEdge(String text) {
    Matcher matcher = EDGE.matcher(text);
    Optional<Kind> kind = matcher.matches() ? kind(matcher.group(1)) : Optional.empty();
    if (kind.isEmpty()) {
      throw new SextantException(String.format(Locale.ROOT, "cell: '%s' is no edge", text));
    }
    int kernel = matcher.group(2) == null ? 0 : Integer.parseInt(matcher.group(2));
    return new Edge(Integer.parseInt(matcher.group(3)), new Cell.Op(kind.get(), kernel));
  }
}
