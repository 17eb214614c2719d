package dev.sextant.bench;

import org.jspecify.annotations.Nullable;

/**
 * A line of the table: a hot path in this engine beside its peer, measured in the same run.
 *
 * @param name of the hot path
 * @param peer null where this machine has none
 */
record Row(String name, Measured ours, @Nullable Measured peer) {
  /** How many times faster than the peer this engine is; NaN without a peer. */
  double ratio() {
    return peer == null ? Double.NaN : peer.millis() / ours.millis();
  }
}
