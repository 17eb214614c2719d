package dev.sextant.nas.fuzz;

import dev.sextant.onnx.ExportOptions;
import dev.sextant.onnx.OnnxExport;
import dev.sextant.onnx.OnnxImport;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Weights;
import java.util.List;

/** The reader of ONNX files. */
final class OnnxTarget {
  private OnnxTarget() {}

  static Target of(byte[] ofRun, Architecture network) {
    Weights weights = Weights.random(network, 1);
    ExportOptions options = ExportOptions.DEFAULT;
    List<byte[]> models =
        List.of(
            ofRun,
            OnnxExport.bytes(network, weights, options.keepingBatchNorm().withBatch(2)),
            OnnxExport.bytes(network, weights, options.takingPixels()));
    return new Target(
        "onnx",
        models,
        Grammar.BYTES,
        input -> OnnxImport.of(input, "model.onnx", null),
        8 << 20,
        2000);
  }
}
