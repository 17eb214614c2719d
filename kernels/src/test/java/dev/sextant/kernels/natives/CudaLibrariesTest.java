package dev.sextant.kernels.natives;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Where libraries are found, on made-up machines. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "paths are those of Linux")
class CudaLibrariesTest {
  @TempDir Path root;

  private Path file(String path) throws IOException {
    Path file = root.resolve(path.substring(1));
    Files.createDirectories(file.getParent());
    return Files.createFile(file);
  }

  @Test
  void aMachineWithCuda12() throws IOException {
    Path driver = file("/usr/lib/x86_64-linux-gnu/libcuda.so.1");
    file("/usr/local/cuda-13.0/lib64/libcublas.so.13");
    Path cublas = file("/usr/local/cuda-12.6/lib64/libcublas.so.12");
    Path cudnn = file("/usr/local/lib/python3.12/dist-packages/nvidia/cudnn/lib/libcudnn.so.9");
    CudaLibraries found = CudaLibraries.find("", Map.of(), root);
    assertEquals(Optional.of(driver), found.driver());
    assertEquals(Optional.of(cublas), found.cublas(), "12 needs no relinking");
    assertEquals(12, found.cublasMajor());
    assertEquals(Optional.of(cudnn), found.cudnn());
    assertTrue(found.report().get(1).startsWith("cuBLAS 12: "), found.report()::toString);
  }

  @Test
  void aMachineWithCuda13AndNamedFolders() throws IOException {
    Path cublas = file("/usr/local/cuda-13.0/lib64/libcublas.so.13");
    Path cudnn = file("/elsewhere/libcudnn.so.9");
    Path preferred = file("/first/libcudnn.so.9");
    Map<String, String> environment = Map.of("LD_LIBRARY_PATH", cudnn.getParent().toString());
    CudaLibraries found = CudaLibraries.find("", environment, root);
    assertEquals(13, found.cublasMajor());
    assertEquals(Optional.of(cublas), found.cublas());
    assertEquals(Optional.of(cudnn), found.cudnn());
    CudaLibraries named = CudaLibraries.find(preferred.getParent().toString(), environment, root);
    assertEquals(Optional.of(preferred), named.cudnn());
  }

  @Test
  void aMachineWithoutAnything() {
    CudaLibraries none = CudaLibraries.find("", Map.of(), root);
    assertEquals(12, none.cublasMajor());
    for (String line : none.report()) {
      assertTrue(line.contains("not found; install"), line);
    }
    String message =
        assertThrows(
                SextantException.class, () -> JCudaLoader.open(new CudaSettings(none, false, 1), 0))
            .getMessage();
    assertEquals(
        "cuda: driver: not found; install NVIDIA's driver (libcuda.so.1), or name its folder with"
            + " -Dsextant.cuda.path=FOLDER",
        message);
  }

  @Test
  void librariesOfAPythonOnThePath() throws IOException {
    Path python = file("/some/env/bin/python3");
    Path cublas = file("/some/env/lib/python3.12/site-packages/nvidia/cu13/lib/libcublas.so.13");
    Map<String, String> environment = Map.of("PATH", "/nowhere:" + python.getParent());
    CudaLibraries found = CudaLibraries.find("", environment, root);
    assertEquals(Optional.of(cublas), found.cublas());
  }

  @Test
  void librariesOfAPythonBehindALink() throws IOException {
    Path cublas = file("/some/env/lib/python3.12/site-packages/nvidia/cu13/lib/libcublas.so.13");
    Path link = root.resolve("bin/python3");
    Files.createDirectories(link.getParent());
    Files.createSymbolicLink(link, file("/some/env/bin/python3"));
    Map<String, String> environment = Map.of("PATH", link.getParent().toString());
    CudaLibraries found = CudaLibraries.find("", environment, root);
    assertEquals(Optional.of(cublas.toRealPath()), found.cublas());
  }

  @Test
  void librariesOfAnEnvironmentThatAnImageBringsAlong() throws IOException {
    Path cudnn =
        file("/opt/torch/.venv/lib/python3.12/site-packages/nvidia/cudnn/lib/libcudnn.so.9");
    assertEquals(Optional.of(cudnn), CudaLibraries.find("", Map.of(), root).cudnn());
  }

  @Test
  void aDriverThatIsTooOldIsNamedWithTheOneNeeded() throws IOException {
    CudaLibraries none = CudaLibraries.find("", Map.of(), root);
    none.checkDriver(12000);
    String old = assertThrows(SextantException.class, () -> none.checkDriver(11040)).getMessage();
    assertEquals(
        "cuda: the driver is for CUDA 11.4, sextant needs one for 12.0: install NVIDIA's driver 525"
            + " or newer",
        old);
    file("/usr/local/cuda-13.0/lib64/libcublas.so.13");
    CudaLibraries newer = CudaLibraries.find("", Map.of(), root);
    newer.checkDriver(13000);
    String message =
        assertThrows(SextantException.class, () -> newer.checkDriver(12080)).getMessage();
    assertTrue(
        String.valueOf(message).contains("driver 580 or newer, or libcublas.so.12"), message);
  }

  @Test
  void aLibraryThatIsMissingIsNamedWithWhatToDo() {
    CudaLibraries none = CudaLibraries.find("", Map.of(), root);
    String message = none.missingCublas(new UnsatisfiedLinkError("libcublas.so.12")).getMessage();
    assertTrue(String.valueOf(message).startsWith("cuda: cuBLAS: not found; install"), message);
    assertTrue(
        String.valueOf(none.missingCudnn(new UnsatisfiedLinkError("x")).getMessage())
            .contains("install cuDNN 9"));
  }
}
