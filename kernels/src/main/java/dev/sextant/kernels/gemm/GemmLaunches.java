package dev.sextant.kernels.gemm;

import dev.sextant.kernels.device.DeviceStorage;
import dev.sextant.kernels.driver.Driver;
import dev.sextant.kernels.driver.Driver.Matrix;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.family.Elementwise;
import dev.sextant.tensor.family.Gemm;
import dev.sextant.tensor.family.GemmRules;

/** {@link Gemm} by cuBLAS. */
public final class GemmLaunches implements Gemm {
  private final Driver driver;
  private final Elementwise elements;

  /** Products on that driver. */
  public GemmLaunches(Driver driver, Elementwise elements) {
    this.driver = driver;
    this.elements = elements;
  }

  @Override
  public void multiply(
      Tensor a, boolean transposeA, Tensor b, boolean transposeB, Tensor c, boolean accumulate) {
    GemmRules.multiply(a, transposeA, b, transposeB, c);
    int inner = a.shape().get(transposeA ? 0 : 1);
    if (c.size() == 0 || (inner == 0 && accumulate)) {
      return;
    }
    if (inner == 0) {
      elements.fill(c, 0);
      return;
    }
    driver.gemm(matrix(a), transposeA, matrix(b), transposeB, matrix(c), inner, accumulate);
  }

  private static Matrix matrix(Tensor tensor) {
    return new Matrix(DeviceStorage.address(tensor), tensor.shape().get(0), tensor.shape().get(1));
  }
}
