package dev.sextant.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.runtime.Architecture.Input;
import dev.sextant.runtime.layer.Conv;
import dev.sextant.runtime.layer.GlobalAvgPool;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.Linear;
import dev.sextant.runtime.layer.Skip;
import dev.sextant.runtime.layer.Zero;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ArchitectureTest {
  private static final Input INPUT = new Input(8, 8, 3);
  private static final Layer STEM = new Conv(3, 2, 1, 16, true, Activation.RELU6);
  private static final Layer POOL = new GlobalAvgPool();
  private static final Layer LOGITS = new Linear(10);

  private static Architecture of(Layer... layers) {
    return new Architecture("net", 10, INPUT, 1e-3, List.of(layers));
  }

  @Test
  void shapesGoFromTheInputToTheLogits() {
    assertEquals(
        List.of(Shape.of(1, 8, 8, 3), Shape.of(1, 4, 4, 16), Shape.of(1, 16), Shape.of(1, 10)),
        of(STEM, POOL, LOGITS).shapes());
  }

  @Test
  void constructorNamesTheLayer() {
    assertError("net: layers[1]: zero would cut the chain", () -> of(STEM, new Zero()));
    assertError(
        "net: layers[1]: linear: input must be [N,C], after global-avg-pool (it is [1,4,4,16])",
        () -> of(STEM, LOGITS));
    assertError("net: the last layer gives [1,16], 10 classes need [1,10]", () -> of(STEM, POOL));
    assertError("net: 0 layers is not between 1 and 10000", () -> of());
    assertError(
        "net: batch-norm-epsilon 0.0 is not between 1.0E-12 and 1",
        () -> new Architecture("net", 10, INPUT, 0, List.of(STEM, POOL, LOGITS)));
    assertError(
        "name: must have 1 to 100 characters, none of them control characters",
        () -> new Architecture("a\u001b[2J", 10, INPUT, 1e-3, List.of(STEM, POOL, LOGITS)));
    assertError(
        "input: an image of 0 x 8 pixels is not between 1 and 16384 on each side",
        () -> new Input(0, 8, 3));
  }

  @Test
  void takesOtherImagesAndClasses() {
    Architecture changed = of(STEM, POOL, LOGITS).withInput(new Input(28, 30, 1), 5);
    assertEquals(Shape.of(1, 14, 15, 16), changed.shapes().get(1));
    assertEquals(new Linear(5), changed.layers().getLast());
    assertEquals(5, changed.classes());
    assertEquals(LOGITS, changed.withInput(INPUT, 10).layers().getLast());
    assertError(
        "net: the number of classes can change only where the last layer is linear (it is skip)",
        () -> of(STEM, POOL, LOGITS, new Skip()).withInput(INPUT, 5));
  }

  @Test
  void readsFiles(@TempDir Path directory) throws IOException {
    Path file = directory.resolve("net.json");
    Architecture architecture = of(STEM, POOL, LOGITS);
    Files.writeString(file, architecture.toJson());
    assertEquals(architecture, Architecture.read(file));

    Files.write(file, new byte[] {'{', (byte) 0xc3, '}'});
    assertError(file + ": not UTF-8 text", () -> Architecture.read(file));
    Path missing = directory.resolve("missing.json");
    assertError(missing + ": no such file", () -> Architecture.read(missing));
    SextantException e = assertThrows(SextantException.class, () -> Architecture.read(directory));
    assertTrue(e.getMessage().startsWith(directory + ": cannot be read"), e.getMessage());
    try (var out = new java.io.RandomAccessFile(file.toFile(), "rw")) {
      out.setLength((16 << 20) + 1);
    }
    assertError(file + ": larger than 16777216 bytes", () -> Architecture.read(file));
  }

  private static void assertError(String message, org.junit.jupiter.api.function.Executable code) {
    assertEquals(message, assertThrows(SextantException.class, code).getMessage());
  }

  /** A thousand layers of 15x15 on 65,535 channels. */
  @Test
  void multiplyAddsDoNotOverflow() {
    Conv conv = new Conv(15, 1, 1, 65_535, true, Activation.RELU6);
    List<Layer> layers = new ArrayList<>(Collections.nCopies(1000, conv));
    layers.add(new GlobalAvgPool());
    layers.add(new Linear(2));
    Architecture architecture =
        new Architecture("huge", 2, new Architecture.Input(181, 181, 65_535), 1e-3, layers);
    assertEquals(
        "huge: has more multiply-adds than a long integer holds",
        assertThrows(SextantException.class, architecture::macs).getMessage());
  }
}
