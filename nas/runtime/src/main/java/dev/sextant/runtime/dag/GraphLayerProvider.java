package dev.sextant.runtime.dag;

import dev.sextant.runtime.layer.LayerProvider;
import dev.sextant.runtime.layer.LayerType;
import java.util.List;

/** Adds {@code "graph"} to the layers, which know nothing of it. */
public final class GraphLayerProvider implements LayerProvider {
  /** For ServiceLoader. */
  public GraphLayerProvider() {}

  @Override
  public List<LayerType<?>> types() {
    return List.of(GraphLayer.TYPE);
  }
}
