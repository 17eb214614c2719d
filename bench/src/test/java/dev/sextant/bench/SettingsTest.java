package dev.sextant.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.bench.libtorch.Layout;
import dev.sextant.tensor.SextantException;
import java.nio.file.Path;
import java.util.List;
import java.util.Properties;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SettingsTest {
  private static Settings of(String... pairs) {
    Properties properties = new Properties();
    for (int i = 0; i < pairs.length; i += 2) {
      properties.setProperty(pairs[i], pairs[i + 1]);
    }
    return Settings.of(properties);
  }

  @Test
  void areAtTheirDefaultsWhereBlank() {
    Settings settings = of("bench.only", "", "bench.threads", "", "bench.layout", "");
    assertEquals(Settings.Mode.DEFAULT, settings.mode());
    assertEquals(Runtime.getRuntime().availableProcessors(), settings.threads());
    assertEquals(Layout.CHANNELS_LAST, settings.layout());
    assertTrue(!settings.compare() && !settings.record());
  }

  @Test
  void areRead() {
    Settings settings =
        of(
            "bench",
            "scaling",
            "bench.only",
            "^gemm",
            "bench.compare",
            "true",
            "bench.threads",
            "1",
            "bench.layout",
            "channels-first",
            "bench.folder",
            "somewhere");
    assertEquals(Settings.Mode.SCALING, settings.mode());
    assertTrue(settings.only().matcher("gemm nn 1x1x1").find());
    assertTrue(settings.compare());
    assertEquals(1, settings.threads());
    assertEquals(Layout.CHANNELS_FIRST, settings.layout());
    assertEquals(Path.of("somewhere/baseline/m.json"), settings.baseline("m"));
  }

  @ParameterizedTest
  @CsvSource({
    "bench,fast",
    "bench.only,(",
    "bench.compare,yes",
    "bench.threads,0",
    "bench.threads,two",
    "bench.layout,nhwc"
  })
  void nameWhatIsWrong(String name, String value) {
    SextantException e = assertThrows(SextantException.class, () -> of(name, value));
    assertTrue(String.valueOf(e.getMessage()).startsWith(name), e.getMessage());
  }

  @Test
  void machinesAreNamedByWhatDecidesTheirSpeed() {
    List<String> info =
        List.of("cpu family\t: 6", "model\t\t: 85", "model name\t: Intel(R) Xeon(R) CPU @ 2.00GHz");
    assertEquals("Intel(R) Xeon(R) CPU @ 2.00GHz 6-85", Machine.model(info));
    assertEquals("amd-epyc-25-17-2c-512b-jdk25", Machine.type("AMD EPYC 25-17", 2, 512, 25));
    assertEquals(
        "intel-xeon-6-85-8c-256b-jdk26", Machine.type("Intel(R) Xeon(R) CPU 6-85", 8, 256, 26));
  }
}
