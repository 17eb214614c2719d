package dev.sextant.onnx.quantize;

import dev.sextant.runtime.graph.LayerKernel;

/** What the values of a network pass through on their way. */
interface Taps {
  /** The kernel for a value: it counts the value, or rounds it. */
  LayerKernel at(String value);
}
