package dev.sextant.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sextant.runtime.json.JsonText;
import dev.sextant.tensor.SextantException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

@Timeout(10)
class PlainFileTest {
  @TempDir private Path folder;

  @Test
  void directoriesPipesAndDevicesAreRefused() throws Exception {
    refused(
        folder + ": cannot be read, it is a directory, not a text file",
        () -> JsonText.readFile(folder));
    refused(
        folder + ": cannot be read, it is a directory, not a safetensors file",
        () -> Weights.read(folder));
    Path device = Path.of("/dev/zero");
    Assumptions.assumeTrue(Files.exists(device));
    refused(
        "/dev/zero: cannot be read, it is a pipe or a device, not a text file",
        () -> JsonText.readFile(device));
    Path pipe = folder.resolve("pipe");
    Assumptions.assumeTrue(
        new ProcessBuilder("mkfifo", pipe.toString()).inheritIO().start().waitFor() == 0);
    refused(
        pipe + ": cannot be read, it is a pipe or a device, not a text file",
        () -> JsonText.readFile(pipe));
    refused(
        pipe + ": cannot be read, it is a pipe or a device, not a safetensors file",
        () -> Weights.read(pipe));
    Path missing = folder.resolve("missing");
    refused(missing + ": no such file", () -> JsonText.readFile(missing));
  }

  private static void refused(String message, Executable call) {
    assertEquals(message, assertThrows(SextantException.class, call).getMessage());
  }
}
