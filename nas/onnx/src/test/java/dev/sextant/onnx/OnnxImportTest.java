package dev.sextant.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sextant.onnx.proto.Attribute;
import dev.sextant.onnx.proto.ElementType;
import dev.sextant.onnx.proto.ModelProto;
import dev.sextant.onnx.proto.NodeProto;
import dev.sextant.onnx.proto.ProtoWriter;
import dev.sextant.onnx.proto.TensorProto;
import dev.sextant.onnx.proto.ValueInfo;
import dev.sextant.onnx.proto.ValueInfo.Extent;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.Weights;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What comes back from files: our own, and graphs of operators that no layer here has. */
class OnnxImportTest {
  @BeforeAll
  static void isThere() {
    assumeTrue(OnnxRuntime.missing().isEmpty(), () -> OnnxRuntime.missing().orElse(""));
  }

  static Stream<Architecture> networks() {
    return OnnxExportTest.networks();
  }

  @ParameterizedTest
  @MethodSource("networks")
  @Tag("long")
  void ownFilesComeBack(Architecture network) {
    Weights weights = Parity.weights(network, 3);
    float[] images = Parity.images(network.input(), 1, 4);
    float[] ours = Parity.ours(network, weights, images, 1);
    byte[] kept = OnnxExport.bytes(network, weights, ExportOptions.DEFAULT.keepingBatchNorm());
    OnnxImport same = OnnxImport.of(kept, "model.onnx", null);
    float[] back = Parity.ours(same.architecture(), same.weights(), images, 1);
    boolean cells = network.layers().stream().anyMatch(layer -> layer.label().startsWith("cell"));
    if (cells) {
      // A batch norm behind two convolutions side by side is folded into neither.
      Parity.assertClose(ours, back, 1e-5, network.name());
    } else {
      assertArrayEquals(ours, back, network.name());
    }
    byte[] folded = OnnxExport.bytes(network, weights, ExportOptions.DEFAULT);
    OnnxImport close = OnnxImport.of(folded, "model.onnx", null);
    Parity.assertClose(
        ours, Parity.ours(close.architecture(), close.weights(), images, 1), 1e-5, network.name());
    if (network.layers().stream().allMatch(OnnxImportTest::isRecognised)) {
      assertEquals(layers(network), layers(same.architecture()));
      assertEquals(layers(network).size(), layers(close.architecture()).size());
    }
    assertEquals(
        same.architecture(), Architecture.parse(same.architecture().toJson(), "architecture.json"));
  }

  private static boolean isRecognised(Layer layer) {
    return !List.of("cell", "fork", "next", "sum", "separable").contains(layer.type().op());
  }

  private static List<Layer> layers(Architecture network) {
    return network.layers().stream().filter(layer -> !layer.isFree()).toList();
  }

  @Test
  void pixelsComeBackAsPixels() {
    Weights weights = Parity.weights(OnnxExportTest.OTHERS, 5);
    weights =
        weights
            .withMetadata(CompiledModel.MEAN, "0.5,0.4,0.3,0.2")
            .withMetadata(CompiledModel.DEVIATION, "0.2,0.25,0.3,0.5");
    byte[] pixels = new byte[24 * 20 * 4];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) (i * 31);
    }
    byte[] file =
        OnnxExport.bytes(OnnxExportTest.OTHERS, weights, ExportOptions.DEFAULT.takingPixels());
    OnnxImport back = OnnxImport.of(file, "model.onnx", null);
    float[] ours = new float[7];
    float[] again = new float[7];
    try (CompiledModel model = CompiledModel.compile(OnnxExportTest.OTHERS, weights);
        CompiledModel imported = CompiledModel.compile(back.architecture(), back.weights())) {
      model.runPixels(pixels, ours);
      imported.runPixels(pixels, again);
    }
    Parity.assertClose(ours, again, 1e-4, "pixels");
  }

  // ---- single operators, with ONNX Runtime as the judge

  /** A graph of one input {@code [1, 3, 11, 9]}, some nodes, then the mean of the pixels. */
  private static byte[] model(List<NodeProto> nodes, List<TensorProto> constants) {
    List<NodeProto> all = new ArrayList<>(nodes);
    String last = nodes.getLast().outputs().getFirst();
    all.add(node("GlobalAveragePool", "mean", List.of(last)));
    all.add(node("Flatten", "logits", List.of("mean")));
    List<Extent> image =
        List.of(
            new Extent.Known(1), new Extent.Known(3), new Extent.Known(11), new Extent.Known(9));
    List<Extent> logits = List.of(new Extent.Known(1), new Extent.Symbol("C"));
    return ProtoWriter.bytes(
        new ModelProto(
            8,
            17,
            "test",
            "one",
            all,
            constants,
            List.of(new ValueInfo("x", ElementType.FLOAT.number(), image)),
            List.of(new ValueInfo("logits", ElementType.FLOAT.number(), logits)),
            List.of(),
            new LinkedHashMap<>()));
  }

  private static NodeProto node(
      String operator, String output, List<String> inputs, Object... attributes) {
    SequencedMap<String, Attribute> map = NodeList.attributes(attributes);
    return new NodeProto(
        output + "_node", operator, "", inputs, List.of(output), map, new LinkedHashMap<>());
  }

  private static TensorProto random(String name, long... extents) {
    List<Long> shape = java.util.Arrays.stream(extents).boxed().toList();
    float[] values = new float[(int) java.util.Arrays.stream(extents).reduce(1, (a, b) -> a * b)];
    Rng rng = new Rng(name.hashCode());
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) rng.nextGaussian();
    }
    return TensorProto.floats(name, shape, values);
  }

  private static Attribute ints(long... values) {
    return Attribute.wholes(values);
  }

  static Stream<Object[]> operators() {
    TensorProto w = random("w", 8, 3, 3, 3);
    TensorProto b = random("b", 8);
    TensorProto each = random("each", 1, 3, 1, 1);
    TensorProto four = random("four", 3, 3, 4, 4);
    TensorProto six = random("six", 6, 3, 1, 1);
    Attribute three = ints(3, 3);
    Attribute two = ints(2, 2);
    NodeProto conv = node("Conv", "y", List.of("x", "w", "b"));
    NodeProto wide = node("Conv", "y", List.of("x", "six"));
    return Stream.of(
        new Object[] {"conv with a bias", List.of(conv), List.of(w, b)},
        new Object[] {
          "asymmetric pads",
          List.of(node("Conv", "y", List.of("x", "w"), "pads", ints(0, 1, 2, 0), "strides", two)),
          List.of(w)
        },
        new Object[] {
          "SAME_UPPER at stride 2",
          List.of(
              node(
                  "Conv",
                  "y",
                  List.of("x", "w"),
                  "auto_pad",
                  new Attribute.Text("SAME_UPPER"),
                  "strides",
                  two)),
          List.of(w)
        },
        new Object[] {
          "even kernel, SAME_LOWER",
          List.of(
              node(
                  "Conv", "y", List.of("x", "four"), "auto_pad", new Attribute.Text("SAME_LOWER"))),
          List.of(four)
        },
        new Object[] {
          "max pool, ceil",
          List.of(
              node(
                  "MaxPool",
                  "y",
                  List.of("x"),
                  "kernel_shape",
                  two,
                  "strides",
                  two,
                  "ceil_mode",
                  1)),
          List.of()
        },
        new Object[] {
          "max pool, ceil with pads",
          List.of(
              node(
                  "MaxPool",
                  "y",
                  List.of("x"),
                  "kernel_shape",
                  three,
                  "strides",
                  ints(4, 4),
                  "pads",
                  ints(1, 1, 1, 1),
                  "ceil_mode",
                  1)),
          List.of()
        },
        new Object[] {
          "average with its pads",
          List.of(
              node(
                  "AveragePool",
                  "y",
                  List.of("x"),
                  "kernel_shape",
                  three,
                  "pads",
                  ints(1, 1, 1, 1),
                  "count_include_pad",
                  1)),
          List.of()
        },
        new Object[] {
          "swish",
          List.of(conv, node("Sigmoid", "s", List.of("y")), node("Mul", "z", List.of("y", "s"))),
          List.of(w, b)
        },
        new Object[] {
          "hswish in parts",
          List.of(
              conv,
              node("HardSigmoid", "s", List.of("y"), "alpha", 1 / 6f, "beta", 0.5f),
              node("Mul", "z", List.of("y", "s"))),
          List.of(w, b)
        },
        new Object[] {
          "hard sigmoid and leaky relu",
          List.of(
              node("HardSigmoid", "h", List.of("x")),
              node("LeakyRelu", "l", List.of("x"), "alpha", 0.2f),
              node("Add", "y", List.of("h", "l"))),
          List.of()
        },
        new Object[] {
          "constants by channel",
          List.of(
              node("Sub", "a", List.of("x", "each")),
              node("Div", "b2", List.of("a", "each")),
              node("Mul", "y", List.of("each", "b2"))),
          List.of(each)
        },
        new Object[] {
          "batch norm before its relu and its convolution",
          List.of(
              node("BatchNormalization", "n", List.of("x", "g", "g", "g", "v"), "epsilon", 0.01f),
              node("Relu", "r", List.of("n")),
              node("Conv", "y", List.of("r", "w", "b")),
              node("BatchNormalization", "z", List.of("y", "b", "b", "b", "v8"))),
          List.of(
              w,
              b,
              random("g", 3),
              TensorProto.floats("v", List.of(3L), 1, 2, 3),
              TensorProto.floats("v8", List.of(8L), 1, 2, 3, 4, 5, 6, 7, 8))
        },
        new Object[] {
          "rows and columns added",
          List.of(node("Pad", "y", List.of("x", "around", "value"))),
          List.of(
              TensorProto.wholes("around", 0, 0, 1, 0, 0, 0, 0, 2),
              TensorProto.floats("value", List.of(), 3))
        },
        new Object[] {
          "dense block",
          List.of(wide, node("Concat", "c", List.of("x", "y"), "axis", 1)),
          List.of(six)
        },
        new Object[] {
          "shuffle of one value",
          List.of(
              wide,
              node("Reshape", "s", List.of("y", "five")),
              node("Transpose", "t", List.of("s"), "perm", ints(0, 2, 1, 3, 4)),
              node("Reshape", "z", List.of("t", "image")),
              node("Slice", "part", List.of("z", "from", "to", "axes"))),
          List.of(
              six,
              TensorProto.wholes("five", 1, 2, 3, 11, 9),
              TensorProto.wholes("image", 1, 6, 11, 9),
              TensorProto.wholes("from", 1, 2),
              TensorProto.wholes("to", 5, -1),
              TensorProto.wholes("axes", 1, 3))
        },
        new Object[] {
          "split and channels of zeros",
          List.of(
              new NodeProto(
                  "split",
                  "Split",
                  "",
                  List.of("x", "sizes"),
                  List.of("p", "q"),
                  NodeList.attributes("axis", 1),
                  new LinkedHashMap<>()),
              node("Pad", "z", List.of("q", "more")),
              node("Add", "sum", List.of("z", "z")),
              node("Concat", "all", List.of("sum", "x"), "axis", 1)),
          List.of(
              TensorProto.wholes("sizes", 1, 2), TensorProto.wholes("more", 0, 0, 0, 0, 0, 3, 0, 0))
        });
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("operators")
  void operatorsAgree(String what, List<NodeProto> nodes, List<TensorProto> constants) {
    agrees(what, model(nodes, constants));
  }

  private static void agrees(String what, byte[] file) {
    OnnxImport read = OnnxImport.of(file, "model.onnx", null);
    float[] images = Parity.images(read.architecture().input(), 1, 9);
    float[] ours = Parity.ours(read.architecture(), read.weights(), images, 1);
    Parity.assertClose(
        Parity.theirs(file, read.architecture().input(), images, 1), ours, 1e-5, what);
    assertEquals(
        read.architecture(), Architecture.parse(read.architecture().toJson(), "architecture.json"));
  }

  @Test
  void aVectorOfAnImageAndAMatrixGoTogether() {
    List<NodeProto> nodes =
        List.of(
            node("Flatten", "flat", List.of("x")),
            node("Gemm", "hidden", List.of("flat", "m", "n"), "transB", 1),
            node("Relu", "r", List.of("hidden")),
            node("MatMul", "p", List.of("r", "q")),
            node("Add", "sum", List.of("p", "k")),
            node("Softmax", "logits", List.of("sum")));
    List<TensorProto> constants =
        List.of(random("m", 6, 297), random("n", 6), random("q", 6, 4), random("k", 4));
    List<Extent> image =
        List.of(
            new Extent.Known(1), new Extent.Known(3), new Extent.Known(11), new Extent.Known(9));
    byte[] file =
        ProtoWriter.bytes(
            new ModelProto(
                8,
                13,
                "test",
                "flat",
                nodes,
                constants,
                List.of(new ValueInfo("x", 1, image)),
                List.of(
                    new ValueInfo("logits", 1, List.of(new Extent.Known(1), new Extent.Known(4)))),
                List.of(),
                new LinkedHashMap<>()));
    agrees("flat", file);
  }

  @Test
  void windowsThatAreNotSquareAreRefused() {
    byte[] file =
        model(List.of(node("MaxPool", "m", List.of("x"), "kernel_shape", ints(2, 3))), List.of());
    SextantException e =
        assertThrows(SextantException.class, () -> OnnxImport.of(file, "model.onnx", null));
    assertEquals(
        "model.onnx: node 'm_node' (MaxPool): its kernel_shape [2, 3] is not the same in both"
            + " directions, which is not supported",
        e.getMessage());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Gelu | model.onnx: node 'y_node' (Gelu): is not supported",
        "Conv | model.onnx: node 'y_node' (Conv): has no input 1",
        "Clip | model.onnx: node 'y_node' (Clip): from -Infinity to Infinity is not supported, only"
            + " 0 to 6 and from 0 on",
        "ReduceMean | model.onnx: node 'y_node' (ReduceMean): is supported over the pixels, axes 2"
            + " and 3, alone"
      })
  void whatIsNotSupportedIsRefusedByName(String operator, String message) {
    byte[] file = model(List.of(node(operator, "y", List.of("x"))), List.of());
    SextantException e =
        assertThrows(SextantException.class, () -> OnnxImport.of(file, "model.onnx", null));
    assertEquals(message, e.getMessage());
  }

  /** Files with bytes changed, moved, cut off and repeated end in one sentence, or are networks. */
  @Test
  void changedFilesEndInASentence() {
    Weights weights = Parity.weights(OnnxExportTest.OTHERS, 3);
    byte[] good = OnnxExport.bytes(OnnxExportTest.OTHERS, weights, ExportOptions.DEFAULT);
    Rng rng = new Rng(11);
    int refused = 0;
    int cases = Integer.getInteger("sextant.fuzz.onnx", 300);
    for (int i = 0; i < cases; i++) {
      byte[] bad = changed(good, rng);
      try {
        OnnxImport.of(bad, "model.onnx", null);
      } catch (SextantException e) {
        String message = String.valueOf(e.getMessage());
        assertTrue(message.startsWith("model.onnx: ") && !message.contains("\n"), message);
        refused++;
      } catch (RuntimeException | Error e) {
        fail("case " + i, e);
      }
    }
    assertTrue(refused > cases / 4, refused + " of " + cases);
  }

  private static byte[] changed(byte[] good, Rng rng) {
    byte[] bad = good.clone();
    // The nodes come first, the weights behind them.
    int nodes = Math.min(bad.length, 12_000);
    int changes = 1 + rng.nextInt(4);
    for (int i = 0; i < changes; i++) {
      int at = rng.nextInt(nodes);
      switch (rng.nextInt(4)) {
        case 0 -> bad[at] ^= (byte) (1 << rng.nextInt(8));
        case 1 -> bad[at] = (byte) (rng.nextInt(2) == 0 ? 0xff : 0x7f);
        case 2 -> {
          int count = Math.min(rng.nextInt(40), bad.length - at);
          System.arraycopy(bad, rng.nextInt(nodes - 40), bad, at, Math.min(count, nodes - at));
        }
        default -> {
          if (rng.nextInt(10) == 0) {
            return java.util.Arrays.copyOf(bad, at);
          }
          bad[at] = (byte) rng.nextInt(256);
        }
      }
    }
    return bad;
  }
}
