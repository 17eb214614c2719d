package dev.sextant.nas.cost;

import dev.sextant.nas.space.LayerSum;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.layer.Layer;
import java.nio.file.Path;

/** Costs that are counted, the same on every machine. */
public enum Counts implements CostModel {
  /** Multiply-adds for one image. */
  MACS,
  /** Trained scalars. */
  PARAMETERS;

  @Override
  public ExpectedCost costs(Space space) {
    return new ExpectedCost(
        switch (this) {
          case MACS -> LayerSum.of(space, Layer::macs, 0);
          case PARAMETERS -> LayerSum.of(space, Layer::parameters, 0);
        });
  }

  /** Counted again wherever it is needed. */
  @Override
  public void keep(Path directory) {}

  @Override
  public CostUnit unit() {
    return switch (this) {
      case MACS -> CostUnit.MACS;
      case PARAMETERS -> CostUnit.PARAMETERS;
    };
  }
}
