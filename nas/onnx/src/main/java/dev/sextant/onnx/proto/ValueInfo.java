package dev.sextant.onnx.proto;

import java.util.List;

/**
 * What is known of a value.
 *
 * @param name of the value
 * @param type number of the elements' type, 0 where none is said
 * @param extents its shape; none where none is said
 */
public record ValueInfo(String name, int type, List<Extent> extents) {
  /** One extent of a shape. */
  public sealed interface Extent {
    /** A number. */
    record Known(long size) implements Extent {}

    /** A name for a number that is known when the network runs; may be empty. */
    record Symbol(String name) implements Extent {}
  }
}
