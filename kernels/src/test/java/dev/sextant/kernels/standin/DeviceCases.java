package dev.sextant.kernels.standin;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.kernels.cuda.CudaBackend;
import dev.sextant.kernels.driver.Driver;
import dev.sextant.kernels.natives.CudaSettings;
import dev.sextant.kernels.natives.JCudaLoader;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Backends;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.MemoryLimitException;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the contract does not ask of every backend, through JCuda. */
class DeviceCases {
  private static final long MEMORY = 1L << 30;

  private final StandIn standIn = StandInMain.standIn();

  private static CudaBackend open() {
    return new CudaBackend(new Device("cuda", 0), JCudaLoader.open(CudaSettings.ofProperties(), 0));
  }

  @AfterEach
  void theDeviceIsWhatItWas() {
    standIn.set("devices", 1);
    standIn.set("driver-version", 13000);
    standIn.set("capability-major", 9);
    standIn.set("memory", MEMORY);
    standIn.set("order", 0);
    standIn.refuse("");
  }

  private static Tensor floats(Backend backend, int... extents) {
    return backend.memory().floats(Shape.of(extents), Memory.Category.DATA, "operand");
  }

  private static Tensor upload(Backend backend, float[] values, int... extents) {
    Tensor tensor = floats(backend, extents);
    backend.upload(values, 0, tensor);
    return tensor;
  }

  private static float[] download(Backend backend, Tensor tensor) {
    float[] values = new float[tensor.size()];
    backend.download(tensor, values, 0);
    return values;
  }

  /** Does something on another thread, which has no context yet, and waits for it. */
  private static <T> T elsewhere(Callable<T> work) {
    FutureTask<T> task = new FutureTask<>(work);
    Thread thread = new Thread(task, "elsewhere");
    thread.start();
    try {
      return task.get();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void theLibrariesAreThoseOfCuda13() {
    try (Backend backend = open()) {
      assertEquals(
          "stand-in, 1.0 GiB, compute capability 9.0, driver for CUDA 13.0, TF32 off,"
              + " cuBLAS 13.4, cuDNN 9.10.2",
          backend.description());
    }
  }

  @Test
  void aProductByHand() {
    try (Backend backend = open();
        Tensor a = upload(backend, new float[] {1, 2, 3, 4, 5, 6}, 2, 3);
        Tensor b = upload(backend, new float[] {1, 0, 0, 1, 2, 3}, 3, 2);
        Tensor c = upload(backend, new float[] {Float.NaN, Float.NaN, 0, 0}, 2, 2)) {
      backend.gemm().multiply(a, false, b, false, c, false);
      assertArrayEquals(new float[] {7, 11, 16, 23}, download(backend, c));
      backend.gemm().multiply(a, false, a, true, c, true);
      assertArrayEquals(new float[] {21, 43, 48, 100}, download(backend, c));
    }
  }

  /** Longer than both page-locked buffers, in every order that the two streams allow. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3, 4, 5})
  void uploadsBesideTheKernelsArriveWhole(int order) {
    standIn.set("order", order);
    int size = (9 << 20) / 4 + 3;
    try (Backend backend = open();
        Tensor x = floats(backend, size)) {
      for (int round = 0; round < 3; round++) {
        float[] values = new float[size];
        for (int i = 0; i < size; i++) {
          values[i] = i + round;
        }
        backend.upload(values, 0, x);
        float[] expected = values.clone();
        // The buffers are free of it, whatever becomes of the array.
        Arrays.fill(values, -1);
        assertArrayEquals(expected, download(backend, x));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 7})
  void aGraphDoesAgainWhatWasRecordedWhileOthersUseTheDevice(int order) {
    standIn.set("order", order);
    try (CudaBackend backend = open()) {
      Tensor x = floats(backend, 1, 4, 4, 8);
      Tensor w = floats(backend, 3, 3, 8, 8);
      Tensor matrix = floats(backend, 8, 8);
      Tensor out = floats(backend, 1, 4, 4, 8);
      Tensor product = floats(backend, 16, 8);
      backend.elementwise().fill(w, 0.25f);
      backend.elementwise().fill(matrix, 0.5f);
      Runnable work =
          () -> {
            backend
                .convolution()
                .forward(x, w, Window.same(3, 1), null, Activation.RELU, null, out);
            backend
                .gemm()
                .multiply(out.reshape(Shape.of(16, 8)), false, matrix, false, product, false);
            backend.elementwise().axpy(1, product, product);
          };
      int[] times = {0};
      Runnable replay =
          backend.repeatable(
              () -> {
                work.run();
                times[0]++;
                assertEquals(7, elsewhere(DeviceCases::sevenThere));
              });
      assertEquals(2, times[0], "once to warm up, once recorded");
      for (int value = 1; value <= 2; value++) {
        backend.elementwise().fill(x, value);
        replay.run();
        float[] actual = download(backend, product);
        backend.elementwise().fill(product, 0);
        work.run();
        float[] expected = download(backend, product);
        assertArrayEquals(expected, actual);
        assertTrue(expected[0] != 0);
      }
      for (Tensor tensor : List.of(x, w, matrix, out, product)) {
        tensor.close();
      }
    }
  }

  /** A backend of its own: memory from the driver, an upload, a kernel, a download. */
  private static float sevenThere() {
    try (Backend other = open();
        Tensor x = upload(other, new float[] {3}, 1)) {
      other.elementwise().axpy(4f / 3, x, x);
      return download(other, x)[0];
    }
  }

  @Test
  void whatCannotBeRecordedEndsTheRecordingAndNothingElse() {
    try (CudaBackend backend = open();
        Tensor x = floats(backend, 5)) {
      int complaints = standIn.complaints();
      String message =
          assertThrows(SextantException.class, () -> backend.repeatable(() -> download(backend, x)))
              .getMessage();
      assertTrue(
          String.valueOf(message).contains("CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED"), message);
      backend.elementwise().fill(x, 2);
      assertArrayEquals(new float[] {2, 2, 2, 2, 2}, download(backend, x));
      assertEquals(complaints, standIn.complaints());
    }
  }

  @Test
  void threadsOpenTheDeviceAndPassItOn() throws Exception {
    List<FutureTask<Float>> tasks = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      FutureTask<Float> task = new FutureTask<>(DeviceCases::sevenThere);
      tasks.add(task);
      new Thread(task).start();
    }
    for (FutureTask<Float> task : tasks) {
      assertEquals(7, task.get());
    }
    CudaBackend opened = elsewhere(DeviceCases::open);
    Tensor x = elsewhere(() -> upload(opened, new float[] {1, 2}, 2));
    opened.elementwise().axpy(1, x, x);
    assertArrayEquals(new float[] {2, 4}, elsewhere(() -> download(opened, x)));
    elsewhere(
        () -> {
          x.close();
          opened.close();
          return true;
        });
  }

  @Test
  void whatIsClosedIsGivenBack() {
    long before = 0;
    for (int round = 0; round < 3; round++) {
      try (Backend backend = open();
          Tensor a = upload(backend, new float[] {1, 2, 3, 4}, 2, 2);
          Tensor c = floats(backend, 2, 2)) {
        backend.gemm().multiply(a, false, a, true, c, false);
        assertArrayEquals(new float[] {5, 11, 11, 25}, download(backend, c));
      }
      before = round == 0 ? standIn.held() : before;
      assertEquals(before, standIn.held());
    }
  }

  @Test
  void aFullDeviceNamesTheHolders() {
    try (Backend backend = open();
        Tensor _ = floats(backend, 12 << 20)) {
      standIn.set("memory", 64 << 20);
      String message =
          assertThrows(MemoryLimitException.class, () -> floats(backend, 8 << 20)).getMessage();
      assertTrue(String.valueOf(message).contains("most by operand 48.0 MiB"), message);
    }
  }

  @Test
  void timesAreOfTheDevice() {
    Driver driver = JCudaLoader.open(CudaSettings.ofProperties(), 0);
    try (CudaBackend backend = new CudaBackend(new Device("cuda", 0), driver);
        Tensor x = floats(backend, 1000)) {
      assertTrue(driver.milliseconds(() -> backend.elementwise().fill(x, 1)) > 0);
    }
  }

  /** Refused devices are opened anew: those that were used are kept. */
  private static void refused(String said, Executable work) {
    List<Backend> kept = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      kept.add(open());
    }
    String message = assertThrows(SextantException.class, work).getMessage();
    assertTrue(String.valueOf(message).startsWith(said), message);
    kept.forEach(Backend::close);
  }

  @Test
  void cublasFindsNoRoomToWorkIn() {
    refused(
        "cuda: cuBLAS needs 32.0 MiB of device memory, which are not left",
        () -> {
          try (Backend backend = open();
              Tensor x = floats(backend, 2, 2);
              Tensor y = floats(backend, 2, 2)) {
            standIn.set("memory", 24 << 20);
            backend.gemm().multiply(x, false, x, false, y, true);
          }
        });
  }

  @Test
  void aKernelThatTheDriverDoesNotTakeIsNamedWithItsLog() {
    refused(
        "cuda: kernel fill_v4 is refused: ptxas application ptx input, line 7; error : as was"
            + " asked; sextant ptx fill_v4 prints it",
        () -> {
          standIn.refuse("fill_v4");
          try (Backend backend = open();
              Tensor x = floats(backend, 8)) {
            backend.elementwise().fill(x, 1);
          }
        });
  }

  @Test
  void devicesThatDoNotServeAreRefusedInOneSentence() {
    refused(
        "cuda: the driver is for CUDA 11.4, ",
        () -> {
          standIn.set("driver-version", 11040);
          open();
        });
    theDeviceIsWhatItWas();
    refused(
        "cuda: cuInit: CUDA_ERROR_NO_DEVICE (",
        () -> {
          standIn.set("devices", 0);
          open();
        });
    theDeviceIsWhatItWas();
    refused(
        "cuda: stand-in has compute capability 6.0, the kernels need 7.0",
        () -> {
          standIn.set("capability-major", 6);
          open();
        });
    refused(
        "cuda: no device 1, this machine has 1",
        () -> Backends.open(new Device("cuda", 1), 1).close());
  }
}
