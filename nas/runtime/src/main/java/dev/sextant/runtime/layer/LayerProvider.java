package dev.sextant.runtime.layer;

import java.util.List;

/**
 * How a module outside this library adds layers: {@code provides
 * dev.sextant.runtime.layer.LayerProvider with ...}; found by ServiceLoader once, when the first
 * layer is read.
 */
public interface LayerProvider {
  /** {@return its types, whose names no other type has} */
  List<LayerType<?>> types();
}
