package dev.sextant.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.sextant.kernels.KernelCatalogue;
import dev.sextant.kernels.ptx.KernelSource;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GpuCheckCommandTest {
  @TempDir private Path directory;

  @Test
  void withoutADeviceThereIsOneSentence() {
    Command.run("gpu-check", "--device=cuda:99", "--out=" + directory).refused("cuda: ");
    assertTrue(Files.notExists(directory.resolve("gpu-check.json")));
  }

  /** But for the contract suite, which the tests of the kernels run on the emulated device. */
  @Test
  void anEmulatedDevicePasses() throws Exception {
    Command run =
        Command.run(
            "gpu-check",
            "--device=emulated",
            "--quick",
            "--only=gradients,models,kernels,steps",
            "--out=" + directory);
    assertEquals(0, run.status(), () -> run.out() + run.err());
    JsonObject report =
        JsonParser.parseString(Files.readString(directory.resolve("gpu-check.json")))
            .getAsJsonObject();
    assertEquals("sextant-gpu-check/1", report.get("format").getAsString());
    assertTrue(report.getAsJsonObject("gradients").get("cases").getAsInt() > 100);
    assertTrue(report.getAsJsonObject("models").get("proxyless-mobile").getAsDouble() < 1e-4);
    assertEquals(4, report.getAsJsonArray("steps").size());
    report
        .getAsJsonArray("steps")
        .forEach(step -> assertTrue(step.getAsJsonObject().get("peakBytes").getAsLong() > 0));
    Set<String> families = new TreeSet<>();
    for (KernelSource source : KernelCatalogue.all()) {
      families.add(source.getClass().getSimpleName());
    }
    Set<String> timed = new TreeSet<>();
    report
        .getAsJsonArray("kernels")
        .forEach(
            kernel ->
                kernel
                    .getAsJsonObject()
                    .getAsJsonArray("kernels")
                    .forEach(
                        name ->
                            KernelCatalogue.named(name.getAsString())
                                .ifPresent(s -> timed.add(s.getClass().getSimpleName()))));
    assertEquals(families, timed, "every family of kernels is timed");
    assertTrue(Files.readString(directory.resolve("gpu-check.txt")).contains("supernet steps"));
  }
}
