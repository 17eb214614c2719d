package dev.sextant.runtime.json;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.sextant.runtime.Cell;
import dev.sextant.runtime.Cell.Edge;
import dev.sextant.runtime.Cell.Kind;
import dev.sextant.runtime.Cell.Node;
import dev.sextant.runtime.Layer;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A cell as a JSON object: {@code {"op": "cell", "width": 36, "stride": 2, "nodes": [{"edges":
 * [{"from": 0, "op": "separable", "kernel": 3}, {"from": 1, "op": "identity"}]}, ...]}}. {@code
 * "inputs"} is 2, or 1 where both are the previous layer's output.
 */
public final class CellJson {
  /** The fields besides {@code "op"} and {@code "repeat"}. */
  static final List<String> FIELDS = List.of("width", "stride", "inputs", "nodes");

  private static final List<String> OPS = Arrays.stream(Kind.values()).map(Kind::word).toList();

  private CellJson() {}

  /** A cell whose older input is {@code before}. */
  static Cell read(JsonFields fields, @Nullable Shape before, Shape input, int stride) {
    fields.integer("stride", 1, 2, 1);
    int width = fields.integer("width", 1, Layer.MAX_WIDTH);
    int inputs = fields.integer("inputs", 1, Cell.INPUTS, Cell.INPUTS);
    List<Node> nodes = new ArrayList<>();
    for (JsonFields node : fields.objects("nodes", Cell.MAX_NODES)) {
      node.only(List.of("edges"));
      List<Edge> edges = new ArrayList<>();
      for (JsonFields edge : node.objects("edges", Cell.MAX_NODES * OPS.size())) {
        edges.add(edge(edge, Cell.INPUTS + nodes.size()));
      }
      nodes.add(new Node(edges));
    }
    if (inputs == Cell.INPUTS && before == null) {
      throw fields.error("the first layer has one input: set \"inputs\" to 1");
    }
    try {
      Cell.Older older = inputs == 1 || before == null ? null : Cell.Older.of(before, input);
      return new Cell(nodes, width, stride, older);
    } catch (SextantException e) {
      throw fields.error(String.valueOf(e.getMessage()));
    }
  }

  private static Edge edge(JsonFields fields, int node) {
    Cell.Op op = readOp(fields, List.of("from", "op"));
    return new Edge(fields.integer("from", 0, node - 1), op);
  }

  /**
   * The operation of an object, which has these fields and, where the operation has a window,
   * {@code "kernel"}.
   */
  public static Cell.Op readOp(JsonFields fields, List<String> known) {
    Kind kind = Kind.values()[OPS.indexOf(fields.word("op", OPS, null))];
    List<String> all = new ArrayList<>(known);
    if (kind.isWindowed()) {
      all.add("kernel");
    }
    fields.only(all);
    return new Cell.Op(kind, kind.isWindowed() ? LayerJson.kernel(fields) : 0);
  }

  /** Adds the fields of an operation. */
  public static void writeOp(Cell.Op op, JsonObject json) {
    json.addProperty("op", op.kind().word());
    if (op.kind().isWindowed()) {
      json.addProperty("kernel", op.kernel());
    }
  }

  /** Adds the fields of a cell but the stride. */
  static void write(Cell cell, JsonObject json) {
    json.addProperty("width", cell.width());
    if (cell.older() == null) {
      json.addProperty("inputs", 1);
    }
    JsonArray nodes = new JsonArray();
    for (Node node : cell.nodes()) {
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
    json.add("nodes", nodes);
  }
}
