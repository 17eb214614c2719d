package dev.sextant.onnx;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.LatencyMeter;
import dev.sextant.runtime.dag.GraphLayer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Files that PyTorch exported, with the logits it gives: {@code -Dsextant.onnx.peers=DIR} of what
 * {@code src/test/peers/export_peers.py} wrote. Says the times beside ONNX Runtime's.
 */
class OnnxPeersTest {
  private static final String FOLDER = System.getProperty("sextant.onnx.peers");

  @Test
  void logitsAreThoseOfPyTorch() throws IOException {
    assumeTrue(FOLDER != null, "needs -Dsextant.onnx.peers=DIR");
    List<Path> files;
    try (Stream<Path> all = Files.list(Path.of(FOLDER))) {
      files = all.filter(file -> file.toString().endsWith(".onnx")).sorted().toList();
    }
    assertTrue(!files.isEmpty(), FOLDER);
    for (Path file : files) {
      String stem = file.toString().substring(0, file.toString().length() - ".onnx".length());
      compare(file, floats(Path.of(stem + ".image")), floats(Path.of(stem + ".logits")));
    }
  }

  private static float[] floats(Path file) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    float[] floats = new float[bytes.length / Float.BYTES];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(floats);
    return floats;
  }

  private static void compare(Path file, float[] planar, float[] expected) throws IOException {
    OnnxImport read = OnnxImport.read(file);
    var input = read.architecture().input();
    int pixels = input.height() * input.width();
    float[] images = new float[planar.length];
    for (int c = 0; c < input.channels(); c++) {
      for (int p = 0; p < pixels; p++) {
        images[p * input.channels() + c] = planar[c * pixels + p];
      }
    }
    float[] logits = new float[expected.length];
    LatencyMeter meter = LatencyMeter.DEFAULT;
    double ours;
    long bytes;
    try (CompiledModel model = CompiledModel.compile(read.architecture(), read.weights())) {
      model.run(images, logits);
      ours = meter.measure(() -> model.run(images, logits)).medianMs();
      bytes = model.activationBytes() + model.weightBytes();
    }
    Parity.assertClose(expected, logits, 1e-4, file.toString());
    double worst = 0;
    double scale = 1;
    for (int i = 0; i < logits.length; i++) {
      worst = Math.max(worst, Math.abs(logits[i] - expected[i]));
      scale = Math.max(scale, Math.abs(expected[i]));
    }
    double theirs;
    try (OnnxRuntime runtime = new OnnxRuntime(Files.readAllBytes(file))) {
      long[] extents = {1, input.channels(), input.height(), input.width()};
      runtime.run(planar, extents);
      theirs = meter.measure(() -> runtime.run(planar, extents)).medianMs();
    }
    long graphs =
        read.architecture().layers().stream().filter(GraphLayer.class::isInstance).count();
    System.out.printf(
        Locale.ROOT,
        "%s: worst difference %.1e of %.1f, %d layers, %d graphs, %.2f ms and %.1f MiB here, %.2f"
            + " ms in ONNX Runtime%n",
        file.getFileName(),
        worst,
        scale,
        read.architecture().layers().size(),
        graphs,
        ours,
        bytes / 1048576.0,
        theirs);
  }
}
