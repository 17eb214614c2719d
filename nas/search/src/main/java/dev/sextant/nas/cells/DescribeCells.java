package dev.sextant.nas.cells;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.nas.space.CellNetworkSpace;
import dev.sextant.nas.space.CellSpace;
import dev.sextant.nas.space.Describe;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.json.JsonText;
import dev.sextant.runtime.layer.Cell.Op;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Rng;
import java.util.stream.Collectors;

/** Spaces of cells for people (text) and for programs (JSON). */
public final class DescribeCells {
  private DescribeCells() {}

  /**
   * {@return the cells, the supernet and the range of the networks}
   *
   * @param space to be described
   */
  public static String text(CellNetworkSpace space) {
    CellSpace cells = space.cells();
    CellCounts parameters = counts(space, true);
    CellCounts macs = counts(space, false);
    String channels =
        cells.partial() == 1 ? "all channels" : "1/%d of the channels".formatted(cells.partial());
    return """
    %s: %dx%dx%d, %d classes
    cells: a normal and a reduction cell of %d nodes and %d edges, of which each node keeps %d
    edge: %s
    networks: %,d of %d cells of width %d, of %,d to %,d parameters and %,d to %,d MACs
    supernet: %d cells of width %d, %s%s: %,d parameters
    """
        .formatted(
            space.name(),
            space.input().height(),
            space.input().width(),
            space.input().channels(),
            space.classes(),
            cells.nodes(),
            cells.edges(),
            CellSpace.KEPT,
            cells.candidates().stream().map(Op::label).collect(Collectors.joining(", ")),
            space.size(),
            space.depth(),
            space.width(),
            parameters.minimum(),
            parameters.maximum(),
            macs.minimum(),
            macs.maximum(),
            cells.cells(),
            cells.width(),
            channels,
            cells.edgeNormalized() ? ", weights of edges" : "",
            supernetParameters(cells));
  }

  /**
   * {@return the same as one JSON object: {@code kind} ("cells"), {@code name}, {@code classes},
   * {@code input}, {@code size} (a string: it may pass 2^53), {@code nodes}, {@code edges}, {@code
   * choice}, {@code supernet-parameters}, {@code parameters} and {@code macs} ({@code minimum},
   * {@code maximum})}
   *
   * @param space to be described
   */
  public static String json(CellNetworkSpace space) {
    CellSpace cells = space.cells();
    JsonObject root = Describe.head("cells", space.name(), space.input(), space.classes());
    root.addProperty("size", space.size().toString());
    root.addProperty("nodes", cells.nodes());
    root.addProperty("edges", cells.edges());
    JsonArray choice = new JsonArray();
    cells.candidates().forEach(op -> choice.add(op.label()));
    root.add("choice", choice);
    root.addProperty("supernet-parameters", supernetParameters(cells));
    root.add("parameters", range(counts(space, true)));
    root.add("macs", range(counts(space, false)));
    return JsonText.print(root);
  }

  private static JsonObject range(CellCounts counts) {
    return Describe.range(new Space.Range(counts.minimum(), counts.maximum()));
  }

  private static CellCounts counts(CellNetworkSpace space, boolean parameters) {
    return new CellCounts(
        space.cells(),
        space.width(),
        space.depth(),
        parameters ? Architecture::parameters : Architecture::macs);
  }

  /** Trained scalars of the supernet, architecture parameters not counted. */
  private static long supernetParameters(CellSpace cells) {
    try (Backend backend = Backend.cpu(1)) {
      CellSupernet supernet =
          new CellSupernet(CellParameters.zeros(cells), new Initializer(backend, new Rng(0)));
      long count = supernet.parameterCount();
      supernet.close();
      return count;
    }
  }
}
