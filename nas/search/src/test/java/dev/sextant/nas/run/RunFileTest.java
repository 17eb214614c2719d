package dev.sextant.nas.run;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.sextant.nas.method.PublishedMethod;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.search.SearchRun;
import dev.sextant.nas.search.TinyRun;
import dev.sextant.runtime.json.SealedJson;
import dev.sextant.tensor.VectorUnit;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunFileTest {
  @TempDir private Path folder;

  /** Bits of results depend on the width of vectors: a run keeps it, and resuming compares it. */
  @Test
  void theWidthOfVectorsIsKeptAndCompared() throws IOException {
    RunDirectory directory = new RunDirectory(folder.resolve("run"));
    SearchSetup setup = TinyRun.setup(TinyRun.config(1, PublishedMethod.PROXYLESS_G.recipe()));
    SearchRun.prepare(directory, setup, TinyRun.model(setup));
    JsonObject run = JsonParser.parseString(Files.readString(directory.run())).getAsJsonObject();
    int bits = VectorUnit.bits().orElse(0);
    assertEquals(bits, run.get("vectorBits").getAsInt());
    assertEquals(List.of(), said(directory));
    run.addProperty("vectorBits", 64);
    Files.writeString(directory.run(), SealedJson.write(run, JsonObject::toString, ""));
    assertEquals(
        List.of(
            directory.path()
                + ": begun with vectors of 64 bits, continued with "
                + bits
                + ": the last bits of results will differ (SEXTANT_OPTS=-Dsextant.vector.bits=64)"),
        said(directory));
    run.remove("vectorBits");
    Files.writeString(directory.run(), SealedJson.write(run, JsonObject::toString, ""));
    assertEquals(List.of(), said(directory));
  }

  /** What resuming says before the first step. */
  private static List<String> said(RunDirectory directory) {
    List<String> messages = new ArrayList<>();
    Progress progress =
        new Progress() {
          @Override
          public void step(String stage, long done, long steps, String status, long peakBytes) {}

          @Override
          public void message(String text) {
            messages.add(text);
          }
        };
    SearchRun.resume(directory, 1e9, progress).close();
    return messages;
  }
}
