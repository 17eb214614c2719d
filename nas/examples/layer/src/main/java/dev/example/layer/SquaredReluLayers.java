package dev.example.layer;

import dev.sextant.runtime.layer.LayerProvider;
import dev.sextant.runtime.layer.LayerType;
import java.util.List;

/** What this module adds. */
public final class SquaredReluLayers implements LayerProvider {
  @Override
  public List<LayerType<?>> types() {
    return List.of(SquaredReluLayer.TYPE);
  }
}
