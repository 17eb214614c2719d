package dev.sextant.nas.space;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonParser;
import dev.sextant.nas.cells.DescribeCells;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Architecture.Input;
import dev.sextant.tensor.SextantException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Spaces of cells: the built-in ones, the format, and decisions. */
final class CellNetworkSpaceTest {
  private static final String TEXT =
      """
      {"format": "sextant-space/1", "name": "mine", "classes": 3,
       "input": {"height": 8, "width": 8, "channels": 1},
       "cell": {"nodes": 2, "choice": [{"op": "zero"}, {"op": "identity"}, {"op": "separable", "kernel": 3}]},
       "supernet": {"width": 8, "cells": 3, "partial": 4, "edge-weights": true},
       "network": {"width": 4, "cells": 5}}
      """;

  @ParameterizedTest
  @ValueSource(strings = {"darts-cifar", "pc-darts-cifar", "darts-small", "pc-darts-small"})
  void builtInSpacesRoundTripAndFitTheSchema(String name) {
    SearchSpace space = SearchSpace.named(name);
    assertEquals(name, space.name());
    assertEquals(space, SearchSpace.parse(space.toJson(), name));
    assertEquals("", Schema.errors(space.toJson()));
    assertEquals("", Schema.errors(Schema.resource(name + ".json")));
    assertTrue(SearchSpace.names().contains(name));
    assertFalse(Space.names().contains(name));
  }

  @Test
  void thePublishedCells() {
    CellNetworkSpace darts = (CellNetworkSpace) SearchSpace.named("darts-cifar");
    assertEquals(CellSpace.darts(new Input(32, 32, 3), 10), darts.cells());
    CellNetworkSpace partial = (CellNetworkSpace) SearchSpace.named("pc-darts-cifar");
    assertEquals(CellSpace.pcDarts(new Input(32, 32, 3), 10), partial.cells());
    // 180 x 49^4 cells of each type.
    assertEquals("1076746950455072400", darts.size().toString());
    assertEquals(23, darts.layers());
    assertEquals(28, darts.probabilityRows().length);
    int[] rows = partial.probabilityRows();
    assertEquals(28 + 8, rows.length);
    assertArrayEquals(
        new int[] {8, 8, 2, 3, 4, 5, 2, 3, 4, 5}, java.util.Arrays.copyOfRange(rows, 26, 36));
    assertTrue(DescribeCells.text(darts).contains(": 1,930,618 parameters"));
    assertEquals(
        299_578,
        JsonParser.parseString(DescribeCells.json(partial))
            .getAsJsonObject()
            .get("supernet-parameters")
            .getAsLong());
  }

  /** DARTS V2 by hand: op 4 is separable 3x3, 3 the identity, 1 max-pool, 6 dilated 3x3. */
  @Test
  void decisionsAreEdgesAndTheirOps() {
    CellNetworkSpace darts = (CellNetworkSpace) SearchSpace.named("darts-cifar");
    int[] decisions = {
      4, 4, /**/ 4, 4, 0, /**/ 3, 4, 0, 0, /**/ 3, 0, 6, 0, 0,
      1, 1, /**/ 0, 1, 3, /**/ 1, 0, 3, 0, /**/ 0, 1, 3, 0, 0
    };
    Architecture derived = darts.derive(decisions);
    Architecture published =
        CellNetworks.small("v2", Genotype.DARTS_V2, new Input(32, 32, 3), 10, 36, 20);
    assertEquals(3_349_342, derived.parameters());
    assertEquals(published.macs(), derived.macs());
    assertEquals(darts.layers(), derived.layers().size());
    int[] tooMany = decisions.clone();
    tooMany[4] = 4;
    refused("3 edges into node 3", () -> darts.derive(tooMany));
    int[] outOfRange = decisions.clone();
    outOfRange[0] = 8;
    refused("decision 0 is 8", () -> darts.derive(outOfRange));
    refused("27 decisions", () -> darts.derive(java.util.Arrays.copyOf(decisions, 27)));
  }

  @Test
  void otherImagesClassesAndSizes() {
    CellNetworkSpace space = (CellNetworkSpace) SearchSpace.parse(TEXT, "mine.json");
    assertEquals("", Schema.errors(TEXT));
    assertEquals(4, space.cells().partial());
    CellNetworkSpace changed = space.withInput(new Input(12, 16, 3), 7).withNetwork(6, 4);
    Architecture network = changed.derive(new int[] {1, 2, 2, 1, 0, 1, 2, 0, 1, 1});
    assertEquals(7, network.classes());
    assertEquals(7, network.layers().size());
    // 7 pixels cannot be halved.
    refused("multiples of 4", () -> space.withInput(new Input(14, 14, 1), 3));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "\"nodes\": 2|\"nodes\": 0|cell.nodes: 0 is below 1",
        "\"kernel\": 3|\"kernel\": 4|cell.choice[2].kernel: 4 is even",
        "{\"op\": \"zero\"}, |{\"op\": \"zero\", \"kernel\": 3}, |cell.choice[0]: unknown field",
        "\"op\": \"separable\"|\"op\": \"mbconv\"|cell.choice[2].op",
        "{\"op\": \"identity\"}|{\"op\": \"zero\"}|cell.choice[1]: the same as choice[0]",
        "\"width\": 4, \"cells\": 5|\"width\": 4, \"cells\": 2|network.cells: 2 is below 3",
        "\"cells\": 3|\"cells\": 3, \"depth\": 2|supernet: unknown field",
        "\"classes\": 3|\"classes\": 3, \"layers\": []|unknown field",
        "\"classes\": 3|\"classes\": 3, \"batch-norm-epsilon\": 0.1|unknown field",
        "\"network\": {\"width\": 4, \"cells\": 5}|\"name2\": 1|unknown field",
      })
  void refusesWhatTheSchemaRefuses(String from, String to, String message) {
    assertTrue(TEXT.contains(from), from);
    String changed = TEXT.replace(from, to);
    refused(message, () -> SearchSpace.parse(changed, "mine.json"));
    assertFalse(Schema.errors(changed).isEmpty(), "the schema takes it");
  }

  /** What a schema cannot say. */
  @Test
  void refusesWhatDoesNotFitTogether() {
    refused(
        "must be a multiple of 2 x 4",
        () -> SearchSpace.parse(TEXT.replace("\"width\": 8", "\"width\": 12"), "mine.json"));
    refused(
        "the first candidate",
        () -> SearchSpace.parse(TEXT.replace("{\"op\": \"zero\"}, ", ""), "mine.json"));
  }

  private static void refused(String part, Runnable action) {
    String message = assertThrows(SextantException.class, action::run).getMessage();
    assertTrue(message.contains(part), message);
  }
}
