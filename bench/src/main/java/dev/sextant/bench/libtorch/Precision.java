package dev.sextant.bench.libtorch;

import java.util.Locale;

/** The numbers that libtorch computes in. */
public enum Precision {
  /** {@code torch.float32}, as this engine: the peer of benchmarks. */
  SINGLE(6),
  /** {@code torch.float64}: the oracle of parity tests, whose own rounding does not show. */
  DOUBLE(7);

  private final int dtype;

  Precision(int dtype) {
    this.dtype = dtype;
  }

  /** TorchScript for {@code x} in this precision. */
  String cast(String x) {
    return String.format(Locale.ROOT, "torch.to(%s, %d, False, False, None)", x, dtype);
  }
}
