package dev.sextant.bench;

import java.time.Duration;

/**
 * How long a fork warms up and is measured: enough for the JIT compiler, and no longer, since the
 * whole table must be had in ten minutes.
 */
enum Effort {
  /** One kernel: microseconds to some tens of milliseconds. */
  KERNEL(4, 500, 3, 250),
  /** A network that is trained: milliseconds. */
  INFERENCE(2, 2000, 3, 1000),
  /**
   * A block, forward and backward: many kernels to compile, by a compiler that has to share the
   * processors with the workers.
   */
  BLOCK(1, 8000, 3, 500),
  /**
   * A supernet's step: half a second to some ten. The JIT compiler needs some forty steps until the
   * last of its kernels, which are called a few times a step, is compiled for good.
   */
  NETWORK(1, 16000, 1, 4000);

  private final int warmups;
  private final Duration warmup;
  private final int measurements;
  private final Duration measurement;

  Effort(int warmups, int warmupMillis, int measurements, int measurementMillis) {
    this.warmups = warmups;
    this.warmup = Duration.ofMillis(warmupMillis);
    this.measurements = measurements;
    this.measurement = Duration.ofMillis(measurementMillis);
  }

  int warmups() {
    return warmups;
  }

  Duration warmup() {
    return warmup;
  }

  int measurements() {
    return measurements;
  }

  Duration measurement() {
    return measurement;
  }
}
