package dev.sextant.nas.space;

import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Architecture.Input;
import dev.sextant.runtime.layer.Cell;
import dev.sextant.runtime.layer.Conv;
import dev.sextant.runtime.layer.GlobalAvgPool;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.Linear;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Networks that repeat the two cells of a genotype, as DARTS builds them. */
public final class CellNetworks {
  /** Batch norm's epsilon in the published code: PyTorch's. */
  public static final double EPSILON = 1e-5;

  /** The stem has three times the channels of the first cells. */
  public static final int STEM_MULTIPLIER = 3;

  private CellNetworks() {}

  /**
   * {@return whether cell {@code i} of {@code cells} halves the image: those at one and two thirds}
   *
   * @param i counted from 0
   * @param cells cells of the network
   */
  public static boolean isReduction(int i, int cells) {
    return i == cells / 3 || i == 2 * cells / 3;
  }

  /**
   * {@return the network for small images: a 3x3 convolution to 3 {@code width} channels, then the
   * cells, whose width doubles at each reduction} Published: width 36, 20 cells.
   *
   * @param name of the architecture
   * @param genotype the normal and the reduction cell
   * @param input size of the images
   * @param classes width of the logits
   * @param width channels of the first cells
   * @param cells cells of the network
   */
  public static Architecture small(
      String name, Genotype genotype, Input input, int classes, int width, int cells) {
    List<Layer> layers = new ArrayList<>();
    layers.add(new Conv(3, 1, 1, STEM_MULTIPLIER * width, true, Activation.IDENTITY));
    return network(name, genotype, input, classes, width, cells, layers);
  }

  /**
   * {@return the network for large images: three 3x3 convolutions of stride 2 come first; the older
   * input of the first cell is what the second of them gives} Published: 224x224, width 48, 14
   * cells.
   *
   * <p>In the published code the ReLU before the third convolution and the one before the first
   * cell's older input are two; here it follows the second convolution, which is the same function.
   *
   * @param name of the architecture
   * @param genotype the normal and the reduction cell
   * @param input size of the images
   * @param classes width of the logits
   * @param width channels of the first cells
   * @param cells cells of the network
   */
  public static Architecture large(
      String name, Genotype genotype, Input input, int classes, int width, int cells) {
    List<Layer> layers = new ArrayList<>();
    layers.add(new Conv(3, 2, 1, width / 2, true, Activation.RELU));
    layers.add(new Conv(3, 2, 1, width, true, Activation.RELU));
    layers.add(new Conv(3, 2, 1, width, true, Activation.IDENTITY));
    return network(name, genotype, input, classes, width, cells, layers);
  }

  private static Architecture network(
      String name,
      Genotype genotype,
      Input input,
      int classes,
      int width,
      int cells,
      List<Layer> layers) {
    Shape older = null;
    Shape newer = input.shape(1);
    for (Layer layer : layers) {
      older = newer;
      newer = layer.output(newer);
    }
    if (layers.size() == 1) {
      older = null; // both inputs of the first cell are the stem's output
    }
    int current = width;
    for (int i = 0; i < cells; i++) {
      int stride = isReduction(i, cells) ? 2 : 1;
      current *= stride;
      Cell cell = new Cell(genotype.nodes(stride), current, stride, older(older, newer));
      layers.add(cell);
      older = newer;
      newer = output(cell, newer, i);
    }
    layers.add(new GlobalAvgPool());
    layers.add(new Linear(classes));
    return new Architecture(name, classes, input, EPSILON, layers);
  }

  private static Cell.@Nullable Older older(@Nullable Shape older, Shape newer) {
    return older == null ? null : Cell.Older.of(older, newer);
  }

  private static Shape output(Cell cell, Shape input, int index) {
    try {
      return cell.output(input);
    } catch (SextantException e) {
      throw new SextantException("cell %d: %s".formatted(index, e.getMessage()), e);
    }
  }
}
