package dev.sextant.cli;

import dev.sextant.nas.cost.LatencyFiles;
import dev.sextant.nas.cost.LatencyTable;
import dev.sextant.nas.space.Position;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.Skip;
import dev.sextant.tensor.Shape;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/** A latency table by formula, so that tests need not measure one: 1 ns for each multiply-add. */
final class CheapTable {
  private CheapTable() {}

  /** The default space, for the built-in images. */
  static Space space() {
    return Space.named("proxyless-small").withInput(new Architecture.Input(28, 28, 1), 10);
  }

  /** A table of that space. */
  static LatencyTable of(Space space) {
    SequencedMap<LatencyTable.Key, LatencyTable.Entry> entries = new LinkedHashMap<>();
    Shape[] inputs = space.inputShapes();
    for (int i = 0; i < inputs.length; i++) {
      List<Layer> layers =
          switch (space.positions().get(i)) {
            case Position.Fixed fixed -> List.of(fixed.layer());
            case Position.Choice choice -> choice.candidates();
          };
      for (Layer layer : layers) {
        if (!(layer instanceof Skip)) {
          double ms = layer.macs(inputs[i]) * 1e-6;
          entries.put(new LatencyTable.Key(layer, inputs[i]), new LatencyTable.Entry(ms, ms, 1));
        }
      }
    }
    return new LatencyTable(
        new LatencyTable.Setting("formula", "none", "cpu", 1, 1), 0, 1, entries);
  }

  /** Writes it where a command can read it. */
  static Path write(Path file) {
    LatencyFiles.write(of(space()), file);
    return file;
  }

  /** A budget half way up the range. */
  static String budget() {
    var cost = of(space()).costs(space());
    return (cost.minimum() + cost.maximum()) / 2 + "ms";
  }
}
