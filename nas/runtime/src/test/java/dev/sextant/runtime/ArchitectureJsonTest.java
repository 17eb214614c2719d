package dev.sextant.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sextant.runtime.layer.Conv;
import dev.sextant.runtime.layer.Depthwise;
import dev.sextant.runtime.layer.GlobalAvgPool;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.Linear;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.runtime.layer.Pool;
import dev.sextant.runtime.layer.Separable;
import dev.sextant.runtime.layer.Skip;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.SextantException;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("machine-text")
class ArchitectureJsonTest {
  private static final String END = "{\"op\":\"global-avg-pool\"},{\"op\":\"linear\",\"out\":10}";

  /** A network whose fields besides the layers are right. */
  private static String network(String layers) {
    return String.format(
        Locale.ROOT,
        """
        {"format": "sextant-architecture/1", "name": "net", "classes": 10,
         "input": {"height": 8, "width": 8, "channels": 3}, "layers": [%s]}
        """,
        layers);
  }

  /** A network with that layer first. */
  private static String layer(String layer) {
    return network(layer.replace('\'', '"') + "," + END);
  }

  /** A network whose header is that one. */
  private static String header(String fields) {
    return "{" + fields.replace('\'', '"') + ",\"layers\":[" + END + "]}";
  }

  @Test
  void readsEveryOpWithItsDefaults() {
    String json =
        network(
            """
            {"op":"conv","kernel":3,"out":8},
            {"op":"conv","kernel":1,"out":8,"norm":"none","act":"none","dilation":2},
            {"op":"depthwise","kernel":5,"stride":2,"norm":"none","act":"sigmoid"},
            {"op":"separable","kernel":3,"dilation":3,"out":12,"act":"relu"},
            {"op":"dilated","kernel":3,"out":16},
            {"op":"mbconv","kernel":3,"expand":6,"out":16},
            {"op":"mbconv","kernel":3,"expand":6,"out":16,"residual":false},
            {"op":"mbconv","kernel":7,"expand":3,"out":24,"squeeze-excite":0.25,"act":"hswish"},
            {"op":"max-pool","kernel":3}, {"op":"avg-pool","kernel":3,"stride":2},
            {"op":"skip"}, {"op":"identity"},
            """
                + END);
    Architecture read = Architecture.parse(json, "my.json");
    Activation relu6 = Activation.RELU6;
    assertEquals(
        List.of(
            new Conv(3, 1, 1, 8, true, relu6),
            new Conv(1, 1, 2, 8, false, Activation.IDENTITY),
            new Depthwise(5, 2, 1, false, Activation.SIGMOID),
            new Separable(3, 1, 3, 12, Activation.RELU),
            new Separable(3, 1, 2, 16, relu6),
            new MbConv(3, 1, 6, 16, relu6, 0, true),
            new MbConv(3, 1, 6, 16, relu6, 0, false),
            new MbConv(7, 1, 3, 24, Activation.HSWISH, 0.25, false),
            new Pool(true, 3, 1),
            new Pool(false, 3, 2),
            new Skip(),
            new Skip(),
            new GlobalAvgPool(),
            new Linear(10)),
        read.layers());
    assertEquals(1e-3, read.batchNormEpsilon());
    assertEquals("", Schema.errors(json));
    assertEquals(read, Architecture.parse(read.toJson(), "again"));
    assertEquals("", Schema.errors(read.toJson()));
  }

  /**
   * The shipped schema says what the fields of the layers say; run with {@code
   * -Dsextant.writeSchema} to have it written anew.
   */
  @Test
  void theShippedSchemaIsThatOfTheFields() throws java.io.IOException {
    String shipped = ArchitectureJson.shippedSchema();
    String made = dev.sextant.runtime.layer.LayerSchema.completeBuiltIn(shipped, false);
    if (System.getProperty("sextant.writeSchema") != null) {
      java.nio.file.Files.writeString(
          java.nio.file.Path.of(
              "src/main/resources/dev/sextant/runtime/sextant-architecture-1.schema.json"),
          made);
    }
    assertEquals(made, shipped);
  }

  @Test
  void repeatGivesTheStrideToTheFirstOnly() {
    Architecture read =
        Architecture.parse(
            layer("{'op':'mbconv','kernel':3,'expand':3,'out':8,'stride':2,'repeat':3}"), "x");
    Layer first = new MbConv(3, 2, 3, 8, Activation.RELU6, 0, false);
    Layer rest = new MbConv(3, 1, 3, 8, Activation.RELU6, 0, true);
    assertEquals(List.of(first, rest, rest), read.layers().subList(0, 3));
  }

  @Test
  void writesOneLayerALineAndFoldsRuns() {
    Layer block = new MbConv(3, 1, 3, 8, Activation.RELU6, 0, true);
    Layer other = new MbConv(3, 1, 3, 8, Activation.RELU6, 0, false);
    Layer strided = new MbConv(3, 2, 3, 8, Activation.RELU6, 0, false);
    Architecture architecture =
        new Architecture(
            "a \"net\"",
            10,
            new Architecture.Input(8, 8, 8),
            1e-3,
            List.of(
                block,
                block,
                other,
                strided,
                block,
                strided,
                strided,
                new GlobalAvgPool(),
                new Linear(10)));
    String json = architecture.toJson();
    assertEquals(
        """
        {
          "format": "sextant-architecture/1",
          "name": "a \\"net\\"",
          "classes": 10,
          "input": {"height": 8, "width": 8, "channels": 8},
          "batch-norm-epsilon": 0.001,
          "layers": [
            {"op": "mbconv", "kernel": 3, "expand": 3, "act": "relu6", "out": 8, "repeat": 2},
            {"op": "mbconv", "kernel": 3, "expand": 3, "act": "relu6", "residual": false, "out": 8},
            {"op": "mbconv", "kernel": 3, "expand": 3, "act": "relu6", "out": 8, "stride": 2, "repeat": 2},
            {"op": "mbconv", "kernel": 3, "expand": 3, "act": "relu6", "out": 8, "stride": 2},
            {"op": "mbconv", "kernel": 3, "expand": 3, "act": "relu6", "out": 8, "stride": 2},
            {"op": "global-avg-pool"},
            {"op": "linear", "out": 10}
          ]
        }
        """,
        json);
    assertEquals(architecture, Architecture.parse(json, "again"));
  }

  /** What is wrong in the JSON of a layer, and the message after {@code my.json: }. */
  static Stream<Arguments> layers() {
    return Stream.of(
        Arguments.of("{'op':'conv','kernel':4,'out':8}", "layers[0].kernel: 4 is even"),
        Arguments.of("{'op':'conv','kernel':0,'out':8}", "layers[0].kernel: 0 is below 1"),
        Arguments.of("{'op':'conv','kernel':17,'out':8}", "layers[0].kernel: 17 is above 15"),
        Arguments.of(
            "{'op':'conv','kernel':3.5,'out':8}", "layers[0].kernel: 3.5 is not an integer"),
        Arguments.of(
            "{'op':'conv','kernel':'3','out':8}", "layers[0].kernel: \"3\" is not a number"),
        Arguments.of(
            "{'op':'conv','kernel':null,'out':8}", "layers[0].kernel: null is not a number"),
        Arguments.of("{'op':'conv','kernel':[3],'out':8}", "layers[0].kernel: [3] is not a number"),
        Arguments.of(
            "{'op':'conv','kernel':3e300,'out':8}", "layers[0].kernel: 3.0E300 is above 15"),
        Arguments.of("{'op':'conv','out':8}", "layers[0]: kernel is missing"),
        Arguments.of("{'op':'conv','kernel':3}", "layers[0]: out is missing"),
        Arguments.of("{'op':'conv','kernel':3,'out':65537}", "layers[0].out: 65537 is above 65536"),
        Arguments.of(
            "{'op':'conv','kernel':3,'out':8,'stride':5}", "layers[0].stride: 5 is above 4"),
        Arguments.of(
            "{'op':'conv','kernel':3,'out':8,'repeat':1001}",
            "layers[0].repeat: 1001 is above 1000"),
        Arguments.of(
            "{'op':'conv','kernal':3,'out':8}",
            "layers[0]: unknown field \"kernal\" (known here: op, repeat, kernel, stride, dilation,"
                + " groups, out, norm, act)"),
        Arguments.of(
            "{'op':'max-pool','kernel':3,'out':8}",
            "layers[0]: unknown field \"out\" (known here: op, repeat, kernel, stride)"),
        Arguments.of(
            "{'op':'conv','kernel':3,'out':8,'norm':'layer'}",
            "layers[0].norm: \"layer\" is not one of batch, none"),
        Arguments.of(
            "{'op':'conv','kernel':3,'out':8,'act':'gelu'}",
            "layers[0].act: \"gelu\" is not one of none, relu, relu6, hswish, sigmoid,"
                + " hard-sigmoid, silu"),
        Arguments.of(
            "{'op':'attention'}",
            "layers[0].op: \"attention\" is not one of avg-pool, cell, conv, depthwise, detect,"
                + " dilated, fork, global-avg-pool, graph, identity, linear, max-pool, mbconv,"
                + " next, residual, separable, shuffle, skip, sum, zero"),
        Arguments.of("{'op':3}", "layers[0].op: 3 is not a string"),
        Arguments.of("{'kernel':3}", "layers[0]: op is missing"),
        Arguments.of("{'op':'zero'}", "layers[0].op: zero would cut the chain of layers; use skip"),
        Arguments.of("{'choice':[{'op':'skip'}]}", "layers[0]: op is missing"),
        Arguments.of(
            "{'op':'mbconv','kernel':3,'expand':17,'out':8}", "layers[0].expand: 17 is above 16"),
        Arguments.of(
            "{'op':'mbconv','kernel':3,'expand':3,'out':8,'squeeze-excite':-0.5}",
            "layers[0].squeeze-excite: -0.5 is below 0"),
        Arguments.of(
            "{'op':'mbconv','kernel':3,'expand':3,'out':8,'residual':'yes'}",
            "layers[0].residual: \"yes\" is not true or false"),
        Arguments.of(
            cell("'inputs':1,'stride':3", "{'from':0,'op':'identity'}"),
            "layers[0].stride: 3 is above 2"),
        Arguments.of(
            cell("'inputs':3", "{'from':0,'op':'identity'}"), "layers[0].inputs: 3 is above 2"),
        Arguments.of(
            cell("'inputs':1", "{'from':0,'op':'separable','kernel':4}"),
            "layers[0].nodes[0].edges[0].kernel: 4 is even"),
        Arguments.of(
            cell("'inputs':1", "{'from':0,'op':'identity','kernel':3}"),
            "layers[0].nodes[0].edges[0]: unknown field \"kernel\" (known here: from, op)"),
        Arguments.of(
            cell("'inputs':1", "{'from':0,'op':'mbconv','kernel':3}"),
            "layers[0].nodes[0].edges[0].op: \"mbconv\" is not one of zero, max-pool, avg-pool,"
                + " identity, separable, dilated"),
        Arguments.of("[]", "layers[0]: must be an object"),
        Arguments.of("3", "layers[0]: must be an object"));
  }

  @ParameterizedTest
  @MethodSource("layers")
  void refusesWhatTheSchemaRefuses(String layer, String message) {
    assertError("my.json: " + message, layer(layer));
    assertFalse(Schema.errors(layer(layer)).isEmpty(), "the schema takes it");
  }

  /** A cell of width 8 with one node. */
  private static String cell(String fields, String edge) {
    return String.format(
        Locale.ROOT, "{'op':'cell','width':8,%s,'nodes':[{'edges':[%s]}]}", fields, edge);
  }

  /** What a schema cannot say: how shapes fit. */
  static Stream<Arguments> shapes() {
    return Stream.of(
        Arguments.of(
            layer(cell("'inputs':2", "{'from':0,'op':'identity'}")),
            "layers[0]: the first layer has one input: set \"inputs\" to 1"),
        Arguments.of(
            layer(cell("'inputs':1", "{'from':2,'op':'identity'}")),
            "layers[0].nodes[0].edges[0].from: 2 is above 1"),
        Arguments.of(
            layer(cell("'inputs':1", "{'from':0,'op':'zero'}")),
            "layers[0]: cell: no edge leads to node 2"),
        Arguments.of(
            layer(
                "{'op':'max-pool','kernel':3,'stride':4},"
                    + cell("'stride':2", "{'from':1,'op':'identity'}")),
            "layers[1]: cell: the older input must have the size of the newer or twice that"
                + " (they are [1,8,8,3] and [1,2,2,3])"),
        Arguments.of(
            layer(
                "{'op':'max-pool','kernel':3,'stride':3},"
                    + cell("'inputs':1,'stride':2", "{'from':1,'op':'identity'}")),
            "layers[1]: cell: an identity of stride 2 needs an even height and width (it is"
                + " [1,3,3,3])"),
        Arguments.of(
            layer("{'op':'mbconv','kernel':3,'expand':3,'out':8,'residual':true}"),
            "layers[0].residual: needs stride 1 and equal widths (stride 1, 3 to 8 channels)"),
        Arguments.of(
            layer("{'op':'linear','out':8}"),
            "layers[0]: linear: input must be [N,C], after global-avg-pool (it is [1,8,8,3])"),
        Arguments.of(
            layer("{'op':'global-avg-pool','repeat':2}"),
            "layers[0]: global-avg-pool: input must be an image [N,H,W,C] (it is [1,3])"),
        Arguments.of(
            network("{\"op\":\"global-avg-pool\"}"),
            "layers: the last layer gives [1,3], 10 classes need [1,10]"),
        Arguments.of(
            network(("{\"op\":\"skip\",\"repeat\":1000},").repeat(10) + END),
            "layers: more than 10000 layers after repeat"),
        Arguments.of(
            header(
                "'format':'sextant-architecture/1','name':'n','classes':10,"
                    + "'input':{'height':16384,'width':16384,'channels':64}"),
            "input: shape: [1, 16384, 16384, 64] has more elements than one tensor can hold"));
  }

  @ParameterizedTest
  @MethodSource("shapes")
  void refusesShapesThatDoNotFit(String json, String message) {
    assertError("my.json: " + message, json);
    assertEquals("", Schema.errors(json));
  }

  static Stream<Arguments> headers() {
    String format = "'format':'sextant-architecture/1',";
    String input = "'input':{'height':8,'width':8,'channels':3}";
    return Stream.of(
        Arguments.of("'name':'n','classes':10," + input, "format is missing"),
        Arguments.of(
            "'format':'sextant-space/1','name':'n','classes':10," + input,
            "format: \"sextant-space/1\" is not one of sextant-architecture/1"),
        Arguments.of(format + "'classes':10," + input, "name is missing"),
        Arguments.of(
            format + "'name':' ','classes':10," + input,
            "name: must have 1 to 100 characters, none of them control characters"),
        Arguments.of(
            format + "'name':'a\\u001b[31m','classes':10," + input,
            "name: must have 1 to 100 characters, none of them control characters"),
        Arguments.of(
            format + "'name':'" + "n".repeat(101) + "','classes':10," + input,
            "name: must have 1 to 100 characters, none of them control characters"),
        Arguments.of(format + "'name':'n','classes':0," + input, "classes: 0 is below 1"),
        Arguments.of(format + "'name':'n','classes':10", "input is missing"),
        Arguments.of(format + "'name':'n','classes':10,'input':32", "input: must be an object"),
        Arguments.of(
            format + "'name':'n','classes':10,'input':{'height':16385,'width':8,'channels':3}",
            "input.height: 16385 is above 16384"),
        Arguments.of(
            format
                + "'name':'n','classes':10,'input':{'height':8,'width':8,'channels':3,'depth':1}",
            "input: unknown field \"depth\" (known here: height, width, channels)"),
        Arguments.of(
            format + "'name':'n','classes':10,'batch-norm-epsilon':0," + input,
            "batch-norm-epsilon: 0 is below 1.0E-12"),
        Arguments.of(
            format + "'name':'n','classes':10,'author':'me'," + input,
            "unknown field \"author\" (known here: format, name, classes, input,"
                + " batch-norm-epsilon, layers)"));
  }

  @ParameterizedTest
  @MethodSource("headers")
  void refusesHeaders(String fields, String message) {
    assertError("my.json: " + message, header(fields));
    assertFalse(Schema.errors(header(fields)).isEmpty(), "the schema takes it");
  }

  static Stream<Arguments> texts() {
    return Stream.of(
        Arguments.of("", "my.json: not JSON: the text ends too early"),
        Arguments.of("{\"format\": ", "my.json: not JSON: the text ends too early"),
        Arguments.of("[]", "my.json: must be one JSON object"),
        Arguments.of("3", "my.json: must be one JSON object"),
        Arguments.of("{\"a\": 1, \"a\": 2}", "my.json: a: is given twice"),
        Arguments.of(
            layer("{'op':'conv','kernel':3,'kernel':5,'out':8}"),
            "my.json: layers[0].kernel: is given twice"),
        Arguments.of("{\"a\": 1e999}", "my.json: a: the number is too large"),
        Arguments.of(
            "{\"a\": [" + "9".repeat(500) + "]}", "my.json: a[0]: the number is too large"),
        Arguments.of("{'a': 1}", "my.json: not JSON: unexpected text at line 1 column 3 path $."),
        Arguments.of("{\"a\": " + "9".repeat(500_000) + "}", null),
        Arguments.of("{} {}", null),
        Arguments.of("{\"a\": NaN}", null),
        Arguments.of("{\"a\": 1,}", null),
        Arguments.of("{\"a\": 1} // comment", null),
        Arguments.of("{\"a\": " + "[".repeat(100_000), null));
  }

  /** Where the message is null, the wording after the prefix is that of the JSON reader. */
  @ParameterizedTest
  @MethodSource("texts")
  void refusesWhatIsNotJson(String text, @org.jspecify.annotations.Nullable String message) {
    String actual =
        String.valueOf(
            assertThrows(SextantException.class, () -> Architecture.parse(text, "my.json"))
                .getMessage());
    if (message == null) {
      assertEquals("my.json: not JSON: ", actual.substring(0, 19));
      assertFalse(actual.contains("\n"), actual);
    } else {
      assertEquals(message, actual);
    }
  }

  /** Every prefix of a network is refused with a clean error. */
  @Test
  void refusesEveryTruncation() {
    String json = layer("{'op':'mbconv','kernel':3,'expand':3,'out':8}").strip();
    for (int length = 0; length < json.length(); length++) {
      String text = json.substring(0, length);
      assertThrows(SextantException.class, () -> Architecture.parse(text, "my.json"));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"3.0", "30e-1", "3"})
  void takesEverySpellingOfAnInteger(String three) {
    String json = layer("{'op':'conv','kernel':" + three + ",'out':8}");
    Layer expected = new Conv(3, 1, 1, 8, true, Activation.RELU6);
    assertEquals(expected, Architecture.parse(json, "my.json").layers().getFirst());
  }

  private static void assertError(String message, String json) {
    SextantException e =
        assertThrows(SextantException.class, () -> Architecture.parse(json, "my.json"));
    assertEquals(message, e.getMessage());
  }
}
