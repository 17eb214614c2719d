package dev.sextant.kernels.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.kernels.emulator.EmulatedDriver;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import org.junit.jupiter.api.Test;

/** What the contract does not ask of every backend. */
class CudaBackendTest {
  private final EmulatedDriver driver = new EmulatedDriver(1 << 26);
  private final CudaBackend backend = new CudaBackend(new Device("cuda", 0), driver);

  private Tensor floats(int... extents) {
    return backend.memory().floats(Shape.of(extents), Memory.Category.DATA, "operand");
  }

  @Test
  void zerosAreZeroOnTheDevice() {
    try (Tensor first = floats(40)) {
      backend.fill(first, 3);
    }
    try (Tensor zeros =
        backend.memory().zeros(Shape.of(40), Memory.Category.WEIGHTS, "reused block")) {
      float[] values = new float[40];
      backend.download(zeros, values, 0);
      assertArrayEquals(new float[40], values);
    }
  }

  @Test
  void aTensorOfAnotherMemoryIsRefused() {
    try (Backend reference = Backend.reference();
        Tensor host = reference.memory().floats(Shape.of(4), Memory.Category.DATA, "host");
        Tensor device = floats(4)) {
      String message =
          assertThrows(SextantException.class, () -> backend.copy(host, device)).getMessage();
      assertTrue(String.valueOf(message).contains("not in device memory: F32 [4] host"), message);
    }
  }

  @Test
  void aSteadyStateAsksTheDriverForNoMemory() {
    long asked = 0;
    for (int step = 0; step < 3; step++) {
      try (Memory.Scope _ = backend.memory().scope()) {
        Tensor x = floats(2, 9, 9, 64);
        Tensor w = floats(3, 3, 64);
        Tensor z = floats(2, 9, 9, 64);
        Tensor dw = floats(3, 3, 64);
        backend.fill(x, 1);
        backend.fill(w, 0.5f);
        backend.depthwise(x, w, Window.same(3, 1), null, Activation.RELU6, z);
        backend.depthwiseBackwardFilter(x, z, Window.same(3, 1), dw);
      }
      if (step == 0) {
        asked = backend.allocatorCounters().driverAllocations();
      }
    }
    assertEquals(asked, backend.allocatorCounters().driverAllocations());
    assertEquals(0, backend.allocatorCounters().driverFrees());
    backend.close();
    assertEquals(0, driver.blocks());
  }
}
