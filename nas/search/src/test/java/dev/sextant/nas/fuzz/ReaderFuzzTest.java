package dev.sextant.nas.fuzz;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A short pass of {@link Fuzz} over every reader. */
@Tag("long")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ReaderFuzzTest {
  private static final long SEED = Long.getLong("sextant.fuzz.seed", 1);
  private static final int CASES = Integer.getInteger("sextant.fuzz.cases", 200);

  @TempDir static Path folder;

  private Targets targets;

  @BeforeAll
  void open() throws IOException {
    targets = new Targets(folder);
  }

  @AfterAll
  void close() {
    targets.close();
  }

  List<String> names() {
    return targets.names();
  }

  @ParameterizedTest
  @MethodSource("names")
  void whateverAFileHoldsEndsInValuesOrOneSentence(String name) {
    Fuzz.seeded(targets.named(name), SEED, 0, CASES);
  }
}
