package dev.sextant.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.sextant.kernels.KernelCatalogue;
import dev.sextant.kernels.ptx.KernelSource;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("long")
class GpuCheckCommandTest {
  @TempDir private Path directory;

  @Test
  void withoutADeviceThereIsOneSentence() {
    PrintStream err = System.err;
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    System.setErr(new PrintStream(said, true, StandardCharsets.UTF_8));
    try {
      assertEquals(2, Check.execute("gpu-check", "--device=cuda:99", "--out=" + directory));
    } finally {
      System.setErr(err);
    }
    List<String> lines = said.toString(StandardCharsets.UTF_8).lines().toList();
    assertEquals(1, lines.size(), lines::toString);
    assertTrue(lines.getFirst().startsWith("sextant: cuda: "), lines::toString);
    assertTrue(Files.notExists(directory.resolve("gpu-check.json")));
  }

  /** But for the contract suite, which the tests of the kernels run on the emulated device. */
  @Test
  void anEmulatedDevicePasses() throws Exception {
    int status =
        Check.execute(
            "gpu-check",
            "--device=emulated",
            "--quick",
            "--only=gradients,models,kernels,steps",
            "--out=" + directory);
    assertEquals(0, status);
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
