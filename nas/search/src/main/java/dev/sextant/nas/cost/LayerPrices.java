package dev.sextant.nas.cost;

import dev.sextant.nas.space.LayerSum;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.tensor.Shape;

/**
 * A cost from outside, the open case: what each layer costs, of which a network's cost is the sum.
 * Prices are finite and do not change. Used by one thread at a time.
 */
public abstract non-sealed class LayerPrices implements CostModel {
  /** Prices; a subclass says which. */
  protected LayerPrices() {}

  /**
   * {@return what a layer adds to a network, in the unit of the cost}
   *
   * @param layer a layer of a network, as its architecture has it
   * @param input shape of the images it takes, {@code [1, H, W, C]}
   * @throws dev.sextant.tensor.SextantException if it has no price, naming layer and input
   */
  protected abstract double price(Layer layer, Shape input);

  /** {@return what a network costs besides its layers} */
  protected double fixed() {
    return 0;
  }

  @Override
  public final ExpectedCost costs(Space space) {
    return new ExpectedCost(LayerSum.of(space, this::price, fixed()));
  }
}
