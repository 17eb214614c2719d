package dev.sextant.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ResultsTest {
  @TempDir private Path folder = Path.of("");

  @Test
  void comeBackFromTheirFile() {
    Results results =
        new Results(
            "machine",
            2,
            List.of(
                new Row("a", MeasuredTest.of(1, 2, 4), MeasuredTest.of(8)),
                new Row("b", MeasuredTest.of(3), null),
                new Row("c", new Measured(List.of(new Fork(1, 1.5, 0, 0))), MeasuredTest.of(2))));
    Path file = folder.resolve("new/baseline.json");
    results.write(file);
    assertEquals(results, Results.read(file));
  }

  @Test
  void refuseOtherFilesByName() throws IOException {
    Path file = folder.resolve("other.json");
    assertTrue(message(file).contains("no such file"), message(file));
    Files.writeString(file, "{\"format\": \"sextant-space/1\"}");
    assertTrue(message(file).contains("is not of format"), message(file));
    Files.writeString(file, "{\"format\": \"sextant-bench/1\", \"rows\": [{}]}");
    assertTrue(message(file).contains("a field is missing"), message(file));
  }

  private static String message(Path file) {
    String message = assertThrows(SextantException.class, () -> Results.read(file)).getMessage();
    assertTrue(String.valueOf(message).contains(file.toString()), message);
    return String.valueOf(message);
  }
}
