package dev.sextant.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.cli.options.SearchSettings;
import dev.sextant.nas.method.Method;
import dev.sextant.nas.method.Methods;
import dev.sextant.nas.method.PublishedMethod;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.space.Space;
import java.util.Map;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** The numbers of a method are the same on the command line and in the library. */
class SearchSettingsTest {
  private static final Space CHAIN = Space.named("proxyless-small");

  @Test
  void withoutOptionsTheNumbersAreTheMethods() {
    for (Method method : Methods.ALL.all()) {
      SearchSettings settings = CommandLine.populateCommand(new SearchSettings());
      assertEquals(
          method.config(2), settings.config(method, method.recipe(), CHAIN, 2, false, Map.of()));
    }
    assertEquals(10, PublishedMethod.TUNAS.config(2).architecture().growth());
    assertEquals(0.005, PublishedMethod.SINGLE_PATH.config(2).architecture().rate());
    assertEquals(20, PublishedMethod.LA_DARTS.config(2).architecture().samples());
  }

  @Test
  void anOptionReplacesOneNumber() {
    SearchSettings settings = CommandLine.populateCommand(new SearchSettings(), "--rate=0.3");
    Method tunas = PublishedMethod.TUNAS;
    assertEquals(
        0.3, settings.config(tunas, tunas.recipe(), CHAIN, 2, false, Map.of()).weights().rate());
  }

  @Test
  void detectorsHoldATenthOut() {
    SearchSettings settings = CommandLine.populateCommand(new SearchSettings());
    Method tunas = PublishedMethod.TUNAS;
    SearchConfig config =
        settings.config(tunas, tunas.recipe(), Space.named("detection-small"), 2, false, Map.of());
    assertEquals(0.1, config.images().validationFraction());
    assertEquals(5e-3, config.architecture().rate());
  }

  @Test
  void describeListsWhatASearchCanBeMadeOf() {
    String text = Command.run("describe", "--methods").succeeded();
    for (String name :
        new String[] {"tunas", "gates-reinforce", "predicted", "mul-log", "shuffle"}) {
      assertTrue(text.contains("  " + name + " "), text);
    }
  }
}
