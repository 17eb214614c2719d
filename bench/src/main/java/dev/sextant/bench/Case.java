package dev.sextant.bench;

import dev.sextant.bench.paths.HotPath;
import dev.sextant.bench.paths.Inference;

/**
 * One hot path at one shape.
 *
 * @param name what the table calls it; unique
 * @param path the class that holds it
 * @param spec what that class is asked for
 * @param effort how long it is measured
 */
record Case(String name, Class<? extends HotPath> path, String spec, Effort effort) {
  /** The engine it is measured beside. */
  String peer() {
    return path == Inference.class ? HotPath.ONNX_RUNTIME : HotPath.LIBTORCH;
  }
}
