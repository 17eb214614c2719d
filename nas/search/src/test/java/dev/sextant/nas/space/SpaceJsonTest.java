package dev.sextant.nas.space;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sextant.runtime.layer.Depthwise;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.LayerSchema;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.runtime.layer.Pool;
import dev.sextant.runtime.layer.Separable;
import dev.sextant.runtime.layer.Skip;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

@Tag("machine-text")
class SpaceJsonTest {
  private static final Activation RELU6 = Activation.RELU6;

  /** The example of the format's documentation: a space as a user writes it by hand. */
  private static final String EXAMPLE =
      """
      {"format": "sextant-space/1", "name": "my-space", "classes": 10,
       "input": {"height": 32, "width": 32, "channels": 3},
       "layers": [
         {"op": "conv", "kernel": 3, "stride": 1, "out": 32, "norm": "batch", "act": "relu6"},
         {"choice": [{"op": "mbconv", "kernel": 3, "expand": 3}, {"op": "mbconv", "kernel": 5, "expand": 6}, {"op": "skip"}],
          "out": 32, "stride": 1, "repeat": 3},
         {"op": "conv", "kernel": 1, "out": 1280, "norm": "batch", "act": "relu6"},
         {"op": "global-avg-pool"}, {"op": "linear", "out": 10}]}
      """;

  /** A space on 8x8x16 images whose first layer is that entry. */
  private static String space(String entry) {
    return String.format(
        Locale.ROOT,
        """
        {"format": "sextant-space/1", "name": "net", "classes": 10,
         "input": {"height": 8, "width": 8, "channels": 16},
         "layers": [%s, {"op": "global-avg-pool"}, {"op": "linear", "out": 10}]}
        """,
        entry.replace('\'', '"'));
  }

  private static List<Position.Choice> choices(String entry) {
    return Space.parse(space(entry), "my.json").choices();
  }

  private static Layer block(int kernel, int stride, int out, boolean residual) {
    return new MbConv(kernel, stride, 3, out, RELU6, 0, residual);
  }

  @Test
  void readsTheExample() {
    Space space = Space.parse(EXAMPLE, "my.json");
    assertEquals(7, space.positions().size());
    assertEquals(27, space.size().intValueExact());
    Position.Choice choice =
        new Position.Choice(
            List.of(
                new MbConv(3, 1, 3, 32, RELU6, 0, true),
                new MbConv(5, 1, 6, 32, RELU6, 0, true),
                new Skip()));
    assertEquals(List.of(choice, choice, choice), space.choices());
    assertEquals("", Schema.errors(EXAMPLE));
    assertEquals(space, Space.parse(space.toJson(), "again"));
  }

  /**
   * The shipped schema says what the fields of the layers say; run with {@code
   * -Dsextant.writeSchema} to have it written anew.
   */
  @Test
  void theShippedSchemaIsThatOfTheFields() throws IOException {
    String shipped = SpaceJson.shippedSchema();
    String made = LayerSchema.completeBuiltIn(shipped, true);
    if (System.getProperty("sextant.writeSchema") != null) {
      Files.writeString(
          Path.of("src/main/resources/dev/sextant/nas/space/sextant-space-1.schema.json"), made);
    }
    assertEquals(made, shipped);
  }

  @Test
  void readsFiles(@TempDir Path directory) throws IOException {
    Path file = directory.resolve("my.json");
    Files.writeString(file, EXAMPLE);
    assertEquals(Space.parse(EXAMPLE, "x"), Space.read(file));
  }

  /** Stride and skip in a repeated choice: only the first has the one, only the rest the other. */
  @Test
  void aRepeatedChoiceThatChangesTheShapeStartsWithoutSkip() {
    String candidates = "'choice':[{'op':'mbconv','kernel':3,'expand':3},{'op':'skip'}]";
    Position.Choice rest = new Position.Choice(List.of(block(3, 1, 24, true), new Skip()));
    assertEquals(
        List.of(new Position.Choice(List.of(block(3, 2, 24, false))), rest, rest),
        choices("{" + candidates + ",'out':24,'stride':2,'repeat':3}"));
    assertEquals(
        List.of(new Position.Choice(List.of(block(3, 1, 24, false))), rest),
        choices("{" + candidates + ",'out':24,'repeat':2}"));
  }

  @Test
  void aChoiceKeepsTheWidthWhereNoneIsGiven() {
    assertEquals(
        List.of(
            new Position.Choice(
                List.of(
                    new Depthwise(3, 2, 1, true, RELU6),
                    new Pool(true, 3, 2),
                    new Separable(3, 2, 2, 16, RELU6)))),
        choices(
            "{'choice':[{'op':'depthwise','kernel':3},{'op':'max-pool','kernel':3},"
                + "{'op':'dilated','kernel':3}],'stride':2}"));
  }

  /** Whatever stands in a choice comes back from what is written. */
  @Test
  void roundTripsEveryCandidate() {
    String json =
        space(
            "{'choice':[{'op':'conv','kernel':3,'norm':'none','act':'none'},"
                + "{'op':'depthwise','kernel':3,'dilation':2},{'op':'separable','kernel':5},"
                + "{'op':'mbconv','kernel':3,'expand':1,'residual':false},"
                + "{'op':'mbconv','kernel':3,'expand':1,'squeeze-excite':0.25},"
                + "{'op':'avg-pool','kernel':3},{'op':'identity'}],'repeat':2}");
    Space space = Space.parse(json, "my.json");
    assertEquals(space, Space.parse(space.toJson(), "again"));
    assertEquals("", Schema.errors(json));
    assertEquals("", Schema.errors(space.toJson()));
  }

  static Stream<Arguments> malformed() {
    String block = "{'op':'mbconv','kernel':3,'expand':3}";
    return Stream.of(
        Arguments.of(
            "{'choice':[" + block + ",{'op':'mbconv','kernel':4,'expand':3}]}",
            "layers[0].choice[1].kernel: 4 is even"),
        Arguments.of("{'choice':[]}", "layers[0].choice: is empty"),
        Arguments.of("{'choice':{}}", "layers[0].choice: must be an array"),
        Arguments.of("{'choice':[3]}", "layers[0].choice[0]: must be an object"),
        Arguments.of("{'choice':[{'kernel':3}]}", "layers[0].choice[0]: op is missing"),
        Arguments.of(
            "{'choice':[{'op':'mbconv','kernel':3,'expand':3,'stride':2}]}",
            "layers[0].choice[0].stride: is given by the choice, not by its candidates"),
        Arguments.of(
            "{'choice':[{'op':'mbconv','kernel':3,'expand':3,'out':16}]}",
            "layers[0].choice[0].out: is given by the choice, not by its candidates"),
        Arguments.of(
            "{'choice':[{'op':'skip','repeat':2}]}",
            "layers[0].choice[0]: unknown field \"repeat\" (known here: op)"),
        Arguments.of(
            "{'choice':[" + block + "],'widths':3}",
            "layers[0]: unknown field \"widths\" (known here: choice, out, stride, repeat)"),
        Arguments.of(
            "{'choice':[" + block + "],'op':'conv'}",
            "layers[0]: unknown field \"op\" (known here: choice, out, stride, repeat)"),
        Arguments.of("{'choice':[" + block + "],'stride':0}", "layers[0].stride: 0 is below 1"),
        Arguments.of(
            "{'choice':[" + block + "],'repeat':1001}", "layers[0].repeat: 1001 is above 1000"),
        Arguments.of(
            "{'choice':[" + block + "," + block + "]}",
            "layers[0]: choice[1]: the same as choice[0]"),
        Arguments.of(
            "{'choice':[" + block + ",{'op':'zero'}]}",
            "layers[0].choice[1].op: zero would cut the chain of layers; use skip"),
        Arguments.of(
            "{'choice':[{'op':'global-avg-pool'}]}",
            "layers[0].choice[0].op: global-avg-pool cannot be a candidate"));
  }

  @ParameterizedTest
  @MethodSource("malformed")
  void refusesWhatTheSchemaRefuses(String entry, String message) {
    assertError(message, space(entry));
    assertFalse(Schema.errors(space(entry)).isEmpty(), "the schema takes it");
  }

  /** What a schema cannot say: how shapes fit, and the order of candidates. */
  static Stream<Arguments> shapes() {
    String block = "{'op':'mbconv','kernel':3,'expand':3}";
    return Stream.of(
        Arguments.of(
            "{'choice':[" + block + ",{'op':'skip'}],'stride':2}",
            "layers[0].choice[1]: skip needs stride 1 and equal widths (stride 2, 16 to 16"
                + " channels)"),
        Arguments.of(
            "{'choice':[" + block + ",{'op':'skip'}],'out':24}",
            "layers[0].choice[1]: skip needs stride 1 and equal widths (stride 1, 16 to 24"
                + " channels)"),
        Arguments.of(
            "{'choice':[{'op':'skip'}],'out':24,'repeat':2}",
            "layers[0].choice: has only skip where the shape changes"),
        Arguments.of(
            "{'choice':[" + block + ",{'op':'max-pool','kernel':3}],'out':24}",
            "layers[0].choice[1]: gives [1,8,8,16], the choice needs [1,8,8,24]"),
        Arguments.of(
            "{'choice':[{'op':'mbconv','kernel':3,'expand':3,'residual':true}],'out':24}",
            "layers[0].choice[0].residual: needs stride 1 and equal widths (stride 1, 16 to 24"
                + " channels)"),
        Arguments.of(
            "{'choice':[{'op':'linear'}]}",
            "layers[0].choice[0]: linear: input must be [N,C], after global-avg-pool (it is"
                + " [1,8,8,16])"));
  }

  @ParameterizedTest
  @MethodSource("shapes")
  void refusesShapesThatDoNotFit(String entry, String message) {
    assertError(message, space(entry));
    assertEquals("", Schema.errors(space(entry)));
  }

  @Test
  void namesTheOtherFormat() {
    assertError(
        "format: \"sextant-architecture/1\" is not one of sextant-space/1",
        EXAMPLE.replace("sextant-space/1", "sextant-architecture/1"));
  }

  private static void assertError(String message, String json) {
    SextantException e = assertThrows(SextantException.class, () -> Space.parse(json, "my.json"));
    assertEquals("my.json: " + message, e.getMessage());
  }
}
