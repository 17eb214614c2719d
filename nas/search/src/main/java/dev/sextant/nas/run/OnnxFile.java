package dev.sextant.nas.run;

import dev.sextant.nas.cost.LatencyFiles;
import dev.sextant.nas.cost.LatencyTable;
import dev.sextant.nas.provider.Progress;
import dev.sextant.onnx.ExportOptions;
import dev.sextant.onnx.OnnxExport;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Weights;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.tensor.Shape;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The ONNX file of a run's network, with the latencies of its layers. */
public final class OnnxFile {
  private OnnxFile() {}

  /**
   * Writes the file beside the weights, or says why there is none: a layer from outside may have no
   * form in ONNX.
   *
   * @param directory of the run
   * @param budget counted from 1
   * @param architecture the network
   * @param weights its weights
   * @param progress hears why there is no file
   * @throws dev.sextant.tensor.SextantException if the file cannot be written
   */
  public static void write(
      RunDirectory directory,
      int budget,
      Architecture architecture,
      Weights weights,
      Progress progress) {
    Path file = directory.onnx(budget);
    Optional<String> obstacle = OnnxExport.obstacle(architecture);
    if (obstacle.isPresent()) {
      progress.message("no " + file.getFileName() + ": " + obstacle.get());
      return;
    }
    ExportOptions options =
        ExportOptions.DEFAULT.withMilliseconds(milliseconds(directory, architecture));
    OnnxExport.write(file, architecture, weights, options);
  }

  /**
   * {@return the milliseconds of each layer by the run's latency table; empty where it has none, or
   * the table lacks a layer}
   *
   * @param directory of the run
   * @param architecture its network
   */
  public static List<Double> milliseconds(RunDirectory directory, Architecture architecture) {
    if (!Files.isRegularFile(directory.latency())) {
      return List.of();
    }
    LatencyTable table = LatencyFiles.read(directory.latency());
    List<Shape> inputs = architecture.shapes();
    List<Double> milliseconds = new ArrayList<>();
    for (int i = 0; i < architecture.layers().size(); i++) {
      Layer layer = architecture.layers().get(i);
      if (!table.has(layer, inputs.get(i))) {
        return List.of();
      }
      milliseconds.add(table.ms(layer, inputs.get(i)));
    }
    return milliseconds;
  }
}
