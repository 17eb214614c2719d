package dev.sextant.nas.space;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.sextant.runtime.NetworkHeader;
import dev.sextant.runtime.json.JsonFields;
import dev.sextant.runtime.json.JsonText;
import dev.sextant.runtime.layer.Cell;
import dev.sextant.runtime.layer.Cell.Op;
import dev.sextant.runtime.layer.CellNodes;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.tensor.SextantException;
import java.util.ArrayList;
import java.util.List;

/**
 * Spaces of cells in the format {@code sextant-space/1}; the JSON Schema beside this class says the
 * same:
 *
 * <pre>
 * "cell": {"nodes": 4, "choice": [{"op": "zero"}, {"op": "separable", "kernel": 3}, ...]},
 * "supernet": {"width": 16, "cells": 8, "partial": 4, "edge-weights": true},
 * "network": {"width": 36, "cells": 20}
 * </pre>
 */
final class CellSpaceJson {
  /** Most cells of a network or a supernet. */
  private static final int MAX_DEPTH = 1000;

  private static final int MAX_PARTIAL = 64;

  private static final List<String> FIELDS = List.of("cell", "supernet", "network");

  private CellSpaceJson() {}

  static CellNetworkSpace read(String json, String source) {
    JsonFields fields = JsonFields.parse(json, source);
    NetworkHeader header = NetworkHeader.read(fields, SpaceJson.FORMAT, FIELDS);
    JsonFields cell = fields.object("cell");
    cell.only(List.of("nodes", "choice"));
    int nodes = cell.integer("nodes", 1, Cell.MAX_NODES);
    List<Op> candidates = new ArrayList<>();
    for (JsonFields candidate : cell.objects("choice", Position.MAX_CANDIDATES)) {
      Op op = CellNodes.readOp(candidate, List.of("op"));
      if (candidates.contains(op)) {
        throw candidate.error("the same as choice[%d]".formatted(candidates.indexOf(op)));
      }
      candidates.add(op);
    }
    JsonFields supernet = fields.object("supernet");
    supernet.only(List.of("width", "cells", "partial", "edge-weights"));
    JsonFields network = fields.object("network");
    network.only(List.of("width", "cells"));
    int supernetWidth = supernet.integer("width", 1, Layer.MAX_WIDTH);
    int supernetDepth = supernet.integer("cells", CellNetworkSpace.MIN_DEPTH, MAX_DEPTH);
    int partial = supernet.integer("partial", 1, MAX_PARTIAL, 1);
    boolean weighed = supernet.flag("edge-weights", false);
    int width = network.integer("width", 1, Layer.MAX_WIDTH);
    int depth = network.integer("cells", CellNetworkSpace.MIN_DEPTH, MAX_DEPTH);
    try {
      CellSpace cells =
          new CellSpace(
              header.input(),
              header.classes(),
              nodes,
              candidates,
              supernetWidth,
              supernetDepth,
              partial,
              weighed);
      return new CellNetworkSpace(header.name(), cells, width, depth);
    } catch (SextantException e) {
      throw fields.error(String.valueOf(e.getMessage()));
    }
  }

  static String write(CellNetworkSpace space) {
    CellSpace cells = space.cells();
    JsonObject cell = new JsonObject();
    cell.addProperty("nodes", cells.nodes());
    JsonArray choice = new JsonArray();
    for (Op op : cells.candidates()) {
      JsonObject entry = new JsonObject();
      CellNodes.writeOp(op, entry);
      choice.add(entry);
    }
    cell.add("choice", choice);
    JsonObject supernet = new JsonObject();
    supernet.addProperty("width", cells.width());
    supernet.addProperty("cells", cells.cells());
    supernet.addProperty("partial", cells.partial());
    supernet.addProperty("edge-weights", cells.edgeNormalized());
    JsonObject network = new JsonObject();
    network.addProperty("width", space.width());
    network.addProperty("cells", space.depth());
    NetworkHeader header =
        new NetworkHeader(space.name(), space.classes(), space.input(), CellNetworks.EPSILON);
    JsonObject root = header.head(SpaceJson.FORMAT);
    root.add("cell", cell);
    root.add("supernet", supernet);
    root.add("network", network);
    return JsonText.print(root);
  }
}
