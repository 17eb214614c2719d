package dev.sextant.nas.supernet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.nn.Module;
import dev.sextant.runtime.layer.Cell;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What a chain of layers can hold of cells. */
final class ModulesTest {
  private static Cell cell(Cell.@Nullable Older older) {
    Cell.Op separable = new Cell.Op(Cell.Kind.SEPARABLE, 3);
    return new Cell(List.of(new Cell.Node(List.of(new Cell.Edge(0, separable)))), 4, 1, older);
  }

  @Test
  void cellsWithOneInputOnly() {
    Shape input = Shape.of(1, 4, 4, 3);
    try (Backend backend = Backend.cpu(1)) {
      Initializer init = new Initializer(backend, new Rng(1));
      try (Module module = Modules.of(cell(null), input, 1e-5, init)) {
        assertEquals(cell(null).parameters(input), module.parameterCount());
      }
      assertThrows(
          SextantException.class,
          () -> Modules.of(cell(new Cell.Older(3, false)), input, 1e-5, init));
      assertEquals(0, backend.memory().current());
    }
  }
}
