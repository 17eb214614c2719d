package dev.sextant.kernels.standin;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.kernels.driver.DeviceLostException;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Backends;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import org.junit.jupiter.api.Test;

/** A machine with CUDA 12, for which JCuda was built, in TF32; its device is lost in the end. */
class OlderDeviceCases {
  private static final Device CUDA = new Device("cuda", 0);

  @Test
  void aLostDeviceIsSaidOnceAndClosesQuietly() {
    StandInMain.standIn().set("driver-version", 12040);
    Backend backend = Backends.open(CUDA, 1);
    assertTrue(
        backend.description().endsWith("driver for CUDA 12.4, TF32 on, cuBLAS 12.4, cuDNN 9.10.2"),
        backend.description());
    Tensor x = backend.memory().floats(Shape.of(2, 2), Memory.Category.DATA, "x");
    Tensor y = backend.memory().floats(Shape.of(2, 2), Memory.Category.DATA, "y");
    backend.upload(new float[] {1 + 0x1p-12f, 2, 3, 4}, 0, x);
    backend.gemm().multiply(x, false, x, false, y, false);
    float[] values = new float[4];
    backend.download(y, values, 0);
    assertArrayEquals(new float[] {7, 10, 15, 22}, values);
    StandInMain.standIn().set("lose-after", StandInMain.standIn().launches());
    // Its last kernel is found out about by a library.
    StandInMain.standIn().set("order", 1);
    backend.elementwise().fill(x, 1);
    String message =
        assertThrows(
                DeviceLostException.class,
                () -> backend.gemm().multiply(x, false, x, false, y, false))
            .getMessage();
    assertEquals(
        "cuda: the device is lost: cublasSgemm: CUDA_ERROR_ILLEGAL_ADDRESS (as the stand-in says);"
            + " what it held is gone, start again (a run goes on with sextant resume DIR)",
        message);
    assertThrows(DeviceLostException.class, () -> backend.download(x, values, 0));
    assertThrows(DeviceLostException.class, () -> backend.elementwise().fill(x, 2));
    x.close();
    y.close();
    backend.close();
    assertThrows(DeviceLostException.class, () -> Backends.open(CUDA, 1));
  }
}
