package dev.sextant.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.cost.LatencyFiles;
import dev.sextant.nas.cost.LatencyTable;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("long")
class ProfileCommandTest {
  private static final String SPACE =
      """
      {"format": "sextant-space/1", "name": "two", "classes": 4,
       "input": {"height": 16, "width": 16, "channels": 3},
       "layers": [
         {"op": "conv", "kernel": 3, "stride": 2, "out": 8, "norm": "batch", "act": "relu6"},
         {"choice": [{"op": "mbconv", "kernel": 3, "expand": 3},
                     {"op": "mbconv", "kernel": 5, "expand": 6}, {"op": "skip"}],
          "out": 8, "stride": 1, "repeat": 2},
         {"op": "global-avg-pool"}, {"op": "linear", "out": 4}]}
      """;

  @TempDir private Path directory;

  @Test
  void aTableIsMeasuredWrittenAndChecked() throws Exception {
    Path space = Files.writeString(directory.resolve("two.json"), SPACE);
    Path out = directory.resolve("table.csv");
    String text =
        Command.run("profile", "--space", space, "--out", out, "--seconds=0.01", "--check=2")
            .succeeded();
    assertTrue(text.contains("RMSE") && text.contains("over 2 networks"), text);
    LatencyTable table = LatencyFiles.read(out);
    // The stem, two blocks, the pooling, the classifier: a skip costs nothing.
    assertEquals(5, table.entries().size());
    assertEquals(1, table.setting().threads());
    assertTrue(table.entries().values().stream().allMatch(entry -> entry.ms() > 0));
    String checked =
        Command.run("profile", "--space", space, "--table", out, "--check=3", "--seconds=0.01")
            .succeeded();
    assertTrue(checked.contains("over 3 networks"), checked);
  }
}
