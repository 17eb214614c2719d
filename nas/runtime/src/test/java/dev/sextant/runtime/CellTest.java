package dev.sextant.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.runtime.layer.Cell;
import dev.sextant.runtime.layer.Cell.Edge;
import dev.sextant.runtime.layer.Cell.Kind;
import dev.sextant.runtime.layer.Cell.Node;
import dev.sextant.runtime.layer.Cell.Older;
import dev.sextant.runtime.layer.Cell.Op;
import dev.sextant.runtime.layer.GlobalAvgPool;
import dev.sextant.runtime.layer.Linear;
import dev.sextant.runtime.layer.Skip;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Shapes, counts and errors of a cell, by hand. */
class CellTest {
  private static final Op SEPARABLE = new Op(Kind.SEPARABLE, 3);
  private static final Op DILATED = new Op(Kind.DILATED, 5);
  private static final Op IDENTITY = new Op(Kind.IDENTITY, 0);
  private static final Op ZERO = new Op(Kind.ZERO, 0);

  private static Node node(Edge... edges) {
    return new Node(List.of(edges));
  }

  @Test
  void normalCell() {
    Cell cell =
        new Cell(
            List.of(
                node(new Edge(0, SEPARABLE), new Edge(1, IDENTITY)),
                node(
                    new Edge(2, DILATED),
                    new Edge(0, ZERO),
                    new Edge(1, new Op(Kind.MAX_POOL, 3)))),
            4,
            1,
            new Older(6, true));
    Shape input = Shape.of(1, 8, 8, 10);
    assertEquals(Shape.of(1, 16, 16, 6), cell.olderInput(input));
    assertEquals(Shape.of(1, 8, 8, 8), cell.output(input));
    int inputs = (6 * 4 + 2 * 4) + (10 * 4 + 2 * 4);
    int separable = 2 * (9 * 4 + 4 * 4 + 2 * 4);
    int dilated = 25 * 4 + 4 * 4 + 2 * 4;
    assertEquals(inputs + separable + dilated, cell.parameters(input));
    int macs = 6 * 4 + 10 * 4 + 2 * (9 * 4 + 4 * 4) + 25 * 4 + 4 * 4;
    assertEquals(64 * macs, cell.macs(input));
    assertEquals(
        "2(separable 3x3 from 0, identity from 1)"
            + " 3(dilated 5x5 from 2, zero from 0, max-pool 3x3 from 1)",
        cell.graph());
  }

  @Test
  void reductionCell() {
    Cell cell =
        new Cell(
            List.of(
                node(new Edge(0, SEPARABLE), new Edge(1, IDENTITY)), node(new Edge(2, IDENTITY))),
            4,
            2,
            null);
    Shape input = Shape.of(1, 8, 8, 10);
    assertEquals(Shape.of(1, 4, 4, 8), cell.output(input));
    int inputs = 2 * (10 * 4 + 2 * 4);
    int separable = 2 * (9 * 4 + 4 * 4 + 2 * 4);
    int identity = 4 * 4 + 2 * 4;
    assertEquals(inputs + separable + identity, cell.parameters(input));
    // The inputs come to the cell's width at full size.
    assertEquals(64 * 2 * 10 * 4 + 16 * (2 * (9 * 4 + 4 * 4) + 4 * 4), cell.macs(input));
  }

  @Test
  void refusesWhatDoesNotFit() {
    assertError("no edge leads to node 2", () -> cell(4, 1, node(new Edge(0, ZERO))));
    assertError(
        "node 2 has an edge from 2, which is no earlier node",
        () -> cell(4, 1, node(new Edge(2, IDENTITY))));
    assertError("stride 3", () -> cell(4, 3, node(new Edge(0, IDENTITY))));
    assertError("width 5 is odd", () -> cell(5, 2, node(new Edge(0, IDENTITY))));
    assertError("separable: kernel 4", () -> new Op(Kind.SEPARABLE, 4));
    assertError("identity: kernel 3", () -> new Op(Kind.IDENTITY, 3));
    assertError("0 nodes", () -> new Cell(List.of(), 4, 1, null));
    assertError(
        "an even height and width",
        () -> cell(4, 2, node(new Edge(0, IDENTITY))).output(Shape.of(1, 7, 8, 4)));
    assertError(
        "the older input is [1,8,8,3], the cell is made for [1,16,16,3]",
        () ->
            new Architecture(
                "n",
                4,
                new Architecture.Input(8, 8, 3),
                1e-5,
                List.of(
                    new Skip(),
                    new Cell(List.of(node(new Edge(0, IDENTITY))), 4, 1, new Older(3, true)),
                    new GlobalAvgPool(),
                    new Linear(4))));
  }

  private static Cell cell(int width, int stride, Node node) {
    return new Cell(List.of(node), width, stride, null);
  }

  private static void assertError(String part, Executable body) {
    String message = assertThrows(SextantException.class, body).getMessage();
    assertTrue(message.contains(part), message);
  }
}
