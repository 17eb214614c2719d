package dev.sextant.kernels.standin;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.kernels.cuda.CudaBackend;
import dev.sextant.kernels.natives.CudaLibraries;
import dev.sextant.kernels.natives.CudaSettings;
import dev.sextant.kernels.natives.JCudaLoader;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** A machine with a driver alone: kernels run, what needs a library says which. */
class NoLibraryCases {
  private static Tensor floats(Backend backend, int... extents) {
    return backend.memory().floats(Shape.of(extents), Memory.Category.DATA, "x");
  }

  @Test
  void eachLibraryIsMissedWhereItIsNeeded() {
    Path driver = Path.of(System.getProperty(CudaLibraries.PATH_PROPERTY), "libcuda.so.1");
    CudaLibraries found =
        new CudaLibraries(Optional.of(driver), Optional.empty(), Optional.empty());
    CudaSettings settings = new CudaSettings(found, false, Long.MAX_VALUE);
    try (Backend backend = new CudaBackend(new Device("cuda", 0), JCudaLoader.open(settings, 0));
        Tensor image = floats(backend, 1, 2, 2, 1);
        Tensor convolved = floats(backend, 1, 2, 2, 1);
        Tensor matrix = floats(backend, 2, 2);
        Tensor product = floats(backend, 2, 2);
        Tensor filter = floats(backend, 3, 3, 1, 1)) {
      backend.elementwise().fill(matrix, 3);
      float[] values = new float[4];
      backend.download(matrix, values, 0);
      assertArrayEquals(new float[] {3, 3, 3, 3}, values);
      long held = StandInMain.standIn().held();
      for (int attempt = 0; attempt < 2; attempt++) {
        String blas =
            assertThrows(
                    SextantException.class,
                    () -> backend.gemm().multiply(matrix, false, matrix, false, product, true))
                .getMessage();
        assertTrue(String.valueOf(blas).startsWith("cuda: cuBLAS: not found; install CUDA"), blas);
        String dnn =
            assertThrows(
                    SextantException.class,
                    () ->
                        backend
                            .convolution()
                            .forward(
                                image,
                                filter,
                                Window.same(3, 1),
                                null,
                                Activation.IDENTITY,
                                null,
                                convolved))
                .getMessage();
        assertTrue(String.valueOf(dnn).startsWith("cuda: cuDNN: not found; install cuDNN 9"), dnn);
      }
      assertEquals(held, StandInMain.standIn().held(), "what cuBLAS would have worked in");
      assertTrue(backend.description().contains("cuBLAS: not found"), backend.description());
    }
    assertEquals(0, StandInMain.standIn().complaints());
  }
}
