package dev.sextant.nas.stage;

import dev.sextant.autograd.nn.AuxiliaryTower;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.layer.Cell;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.util.List;
import java.util.Locale;

/**
 * A second classifier on a layer of a network, in training only (DARTS).
 *
 * @param tower the classifier
 * @param layer whose output it takes
 * @param weight of its loss
 */
public record Auxiliary(AuxiliaryTower tower, int layer, float weight) {
  /**
   * {@return one on the output of the last reduction cell, two thirds up}
   *
   * @param architecture of the network
   * @param weight of its loss
   * @param init draws its weights
   * @throws SextantException if there is no such cell, or its images are not of 8x8
   */
  public static Auxiliary attach(Architecture architecture, float weight, Initializer init) {
    int layer = layer(architecture);
    int channels = architecture.shapes().get(layer + 1).channels();
    float epsilon = (float) architecture.batchNormEpsilon();
    return new Auxiliary(
        new AuxiliaryTower(init, channels, architecture.classes(), epsilon), layer, weight);
  }

  /**
   * {@return where it is attached}
   *
   * @param architecture of the network
   * @throws SextantException as {@link #attach} does
   */
  public static int layer(Architecture architecture) {
    List<Shape> shapes = architecture.shapes();
    for (int i = architecture.layers().size() - 1; i >= 0; i--) {
      if (architecture.layers().get(i) instanceof Cell cell && cell.stride() == 2) {
        Shape output = shapes.get(i + 1);
        if (output.get(1) != AuxiliaryTower.SIZE || output.get(2) != AuxiliaryTower.SIZE) {
          break;
        }
        return i;
      }
    }
    throw new SextantException(
        String.format(
            Locale.ROOT,
            "%s: an auxiliary classifier needs a reduction cell that gives images of %dx%d",
            architecture.name(),
            AuxiliaryTower.SIZE,
            AuxiliaryTower.SIZE));
  }
}
