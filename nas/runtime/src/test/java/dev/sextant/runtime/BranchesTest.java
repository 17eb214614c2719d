package dev.sextant.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Chains that fork: shapes, JSON, values of the compiled network, and what cannot stand. */
class BranchesTest {
  private static String network(String layers) {
    return """
    {"format": "sextant-architecture/1", "name": "forked", "classes": 2,
     "input": {"height": 4, "width": 4, "channels": 3},
     "layers": [%s, {"op": "global-avg-pool"}, {"op": "linear", "out": 2}]}
    """
        .formatted(layers);
  }

  private static String ops(String words) {
    StringBuilder layers = new StringBuilder();
    for (String op : words.split(" ")) {
      layers
          .append(layers.isEmpty() ? "" : ", ")
          .append(
              switch (op) {
                case "conv8" -> "{\"op\": \"conv\", \"kernel\": 1, \"out\": 8}";
                case "pool2" -> "{\"op\": \"avg-pool\", \"kernel\": 3, \"stride\": 2}";
                default -> "{\"op\": \"%s\"}".formatted(op);
              });
    }
    return layers.toString();
  }

  /**
   * The wider branch decides, whichever it is; forks stand within forks, and branches may be empty.
   */
  @Test
  void aSumHasTheWidthOfItsWidestBranch() {
    for (String text :
        List.of(
            "fork conv8 next sum",
            "fork next conv8 sum",
            "fork fork next sum next fork conv8 next next sum sum",
            "fork conv8 pool2 next pool2 sum")) {
      Architecture architecture = Architecture.parse(network(ops(text)), "test");
      Shape sum = architecture.shapes().get(architecture.layers().size() - 2);
      assertEquals(8, sum.channels(), text);
      String json = architecture.toJson();
      assertEquals(architecture, Architecture.parse(json, "again"));
      assertEquals("", Schema.errors(json));
      assertEquals(3 * 8 + 16 + 8 * 2 + 2, architecture.parameters());
    }
  }

  /**
   * x + 0 for the channels that the shortcut lacks: sums without weights, so that the logits tell.
   */
  @Test
  void aCompiledNetworkSumsItsBranches() {
    Architecture plain = Architecture.parse(network(ops("identity")), "plain");
    Architecture forked =
        Architecture.parse(network(ops("fork next fork next sum next sum")), "forked");
    float[] image = new float[4 * 4 * 3];
    for (int i = 0; i < image.length; i++) {
      image[i] = (float) Math.sin(i);
    }
    float[] one = logits(plain, image);
    float[] four = logits(forked, image);
    float[] none = logits(plain, new float[image.length]);
    for (int i = 0; i < 2; i++) {
      // Identity, identity + identity, identity: four times the input, once the bias.
      assertEquals(4 * (one[i] - none[i]), four[i] - none[i], 1e-5f);
    }
  }

  private static float[] logits(Architecture architecture, float[] image) {
    Weights weights = Weights.random(architecture, 1);
    String linear = "layers." + (architecture.layers().size() - 1) + ".";
    Weights source = Weights.random(Architecture.parse(network(ops("identity")), "source"), 1);
    java.util.SequencedMap<String, Weights.Entry> entries = new java.util.LinkedHashMap<>();
    WeightNames.of(architecture)
        .keySet()
        .forEach(name -> entries.put(name, source.get(name.replace(linear, "layers.2."))));
    assertEquals(2, entries.size(), weights::toString);
    float[] logits = new float[2];
    try (CompiledModel model =
        CompiledModel.compile(architecture, new Weights(entries, java.util.Map.of()))) {
      model.run(image, logits);
    }
    return logits;
  }

  @ParameterizedTest
  @CsvSource({
    "sum, there is no fork before it",
    "next, there is no fork before it",
    "fork sum, a next is missing",
    "fork conv8 next, a fork has no sum",
    "fork pool2 next sum, one height and width",
  })
  void whatDoesNotFitIsNamed(String text, String message) {
    SextantException e =
        assertThrows(
            SextantException.class, () -> Architecture.parse(network(ops(text)), "test.json"));
    assertTrue(String.valueOf(e.getMessage()).contains(message), e.getMessage());
    assertTrue(String.valueOf(e.getMessage()).contains("test.json"), e.getMessage());
  }
}
