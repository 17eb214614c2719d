package dev.sextant.kernels.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.kernels.device.DeviceStorage;
import dev.sextant.kernels.driver.DeviceLostException;
import dev.sextant.kernels.emulator.EmulatedDriver;
import dev.sextant.kernels.emulator.EmulationException;
import dev.sextant.kernels.emulator.Faults;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.MemoryLimitException;
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
      backend.elementwise().fill(first, 3);
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
          assertThrows(SextantException.class, () -> backend.elementwise().copy(host, device))
              .getMessage();
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
        backend.elementwise().fill(x, 1);
        backend.elementwise().fill(w, 0.5f);
        backend.depthwise().forward(x, w, Window.same(3, 1), null, Activation.RELU6, z);
        backend.depthwise().backwardFilter(x, z, Window.same(3, 1), dw);
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

  /** Longer than both staging buffers: each is filled again while the other is on its way. */
  @Test
  void uploadsBesideTheKernelsArriveWhole() {
    int size = (9 << 20) / 4 + 3;
    float[] values = new float[size];
    int[] integers = new int[size];
    for (int i = 0; i < size; i++) {
      values[i] = i;
      integers[i] = Float.floatToRawIntBits(size - i);
    }
    try (Tensor x = floats(size)) {
      backend.upload(values, 0, x);
      float[] back = new float[size];
      backend.download(x, back, 0);
      assertArrayEquals(values, back);
      assertEquals(3, driver.transferred());
      try (Tensor again = backend.memory().ints(x.shape(), Memory.Category.DATA, "integers")) {
        backend.upload(integers, 0, again);
        driver.download(DeviceStorage.address(again), back, 0, size);
        assertEquals(size, back[0]);
        assertEquals(1, back[size - 1]);
      }
    }
    backend.close();
    assertEquals(0, driver.blocks());
  }

  @Test
  void aGraphDoesAgainWhatWasRecorded() {
    Tensor x = floats(1, 4, 4, 8);
    Tensor w = floats(3, 3, 8, 8);
    Tensor out = floats(1, 4, 4, 8);
    Tensor dw = floats(3, 3, 8);
    backend.elementwise().fill(w, 0.25f);
    Window window = Window.same(3, 1);
    Runnable replay =
        backend.repeatable(
            () -> {
              backend.convolution().forward(x, w, window, null, Activation.RELU, null, out);
              backend.depthwise().backwardFilter(x, out, window, dw);
              backend.elementwise().axpy(1, dw, dw);
            });
    int launches = driver.launches();
    // Takes and writes what the recording has given back, were it not held.
    try (Tensor other = floats(3 * 3 * 8 * 8)) {
      backend.elementwise().fill(other, 7);
      float[] expected = new float[dw.size()];
      float[] actual = new float[dw.size()];
      for (int value = 1; value <= 2; value++) {
        backend.elementwise().fill(x, value);
        replay.run();
        backend.download(dw, actual, 0);
        backend.convolution().forward(x, w, window, null, Activation.RELU, null, out);
        backend.depthwise().backwardFilter(x, out, window, dw);
        backend.elementwise().axpy(1, dw, dw);
        backend.download(dw, expected, 0);
        assertArrayEquals(expected, actual);
        assertTrue(expected[0] != 0);
      }
      assertTrue(driver.launches() > launches);
      float[] untouched = new float[other.size()];
      backend.download(other, untouched, 0);
      assertEquals(7, untouched[0]);
    }
    String message =
        assertThrows(
                EmulationException.class,
                () -> backend.repeatable(() -> backend.download(x, new float[x.size()], 0)))
            .getMessage();
    assertTrue(String.valueOf(message).contains("while recording a graph: a download"), message);
    for (Tensor tensor : new Tensor[] {x, w, out, dw}) {
      tensor.close();
    }
    backend.close();
    assertEquals(0, driver.blocks());
  }

  @Test
  void aCapAndAFullDeviceNameTheHolders() {
    backend.memory().cap(3 << 20);
    try (Tensor _ = floats(1 << 19)) {
      String message = assertThrows(MemoryLimitException.class, () -> floats(1 << 19)).getMessage();
      assertTrue(String.valueOf(message).contains("passes the cap of 3.0 MiB; held now"), message);
    }
    backend.memory().cap(Long.MAX_VALUE);
    try (Tensor _ = floats(12 << 20)) {
      String message = assertThrows(MemoryLimitException.class, () -> floats(8 << 20)).getMessage();
      assertTrue(String.valueOf(message).contains("of device memory: a smaller batch"), message);
      assertTrue(String.valueOf(message).contains("most by operand 48.0 MiB"), message);
    }
  }

  @Test
  void aLostDeviceIsSaidOnceAndClosesQuietly() {
    EmulatedDriver failing = new EmulatedDriver(1 << 26, new Faults().loseAfter(1));
    CudaBackend lost = new CudaBackend(new Device("cuda", 0), failing);
    Tensor x = lost.memory().floats(Shape.of(40), Memory.Category.DATA, "x");
    lost.elementwise().fill(x, 1);
    assertThrows(DeviceLostException.class, () -> lost.elementwise().fill(x, 2));
    assertThrows(DeviceLostException.class, () -> lost.download(x, new float[40], 0));
    x.close();
    lost.close();
  }
}
