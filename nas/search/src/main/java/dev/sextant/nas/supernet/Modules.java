package dev.sextant.nas.supernet;

import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.nn.Module;
import dev.sextant.runtime.layer.Cell;
import dev.sextant.runtime.layer.Junction;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.util.Locale;

/** The trainable form of what stands fixed in a supernet. */
final class Modules {
  private Modules() {}

  /**
   * Sets the scale of every batch norm to 1, of those too that start at 0 so that a block begins as
   * the identity: then leaving a block out matters from the start, and shows in scores of networks.
   */
  static void unitNorms(Module module, Backend backend) {
    module
        .parameters()
        .forEach(
            (path, parameter) -> {
              if (parameter.role() == Parameter.Role.NORM && path.endsWith("gamma")) {
                backend.elementwise().fill(parameter.value(), 1);
              }
            });
  }

  /** A module with fresh weights for a layer on that input {@code [N, H, W, C]}. */
  static Module of(Layer layer, Shape input, double batchNormEpsilon, Initializer init) {
    return switch (layer) {
      case Junction junction ->
          throw new SextantException(
              String.format(
                  Locale.ROOT,
                  "%s: this kind of supernet cannot fork (--supernet multi-path)",
                  junction.label()));
      case Cell cell -> {
        if (cell.older() != null) {
          throw new SextantException(
              "cell: a supernet of layers and choices passes one input on, this cell has two");
        }
        // A supernet drops no paths, so that nothing is drawn.
        yield new CellModule(cell, input, (float) batchNormEpsilon, init, new Rng(0));
      }
      default -> new LayerModule(layer, input, batchNormEpsilon, init);
    };
  }
}
