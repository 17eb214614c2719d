package dev.sextant.cli.output;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sextant.nas.method.PublishedMethod;
import dev.sextant.nas.run.SearchResult;
import dev.sextant.nas.run.SearchResult.Found;
import dev.sextant.runtime.Architectures;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import org.junit.jupiter.api.Test;

class EndingTest {
  private static Found found(double accuracy, double ms) {
    return new Found(Architectures.named("mobilenet-v2"), ms, ms, accuracy, 1);
  }

  @Test
  void aPictureAndThreeSentences() {
    SearchResult result =
        new SearchResult(
            found(0.9, 0.095), found(0.85, 0.1), null, List.of(), new LinkedHashMap<>(), null);
    assertEquals(
        List.of(
            "search         ####################################      90.00 % right",
            "               ======================================    0.0950 ms",
            "random search  ##################################        85.00 % right",
            "               ========================================  0.1000 ms",
            "",
            "The search found a network that recognises 90.0 of 100 test images and takes 0.0950 ms"
                + " for one on this machine, 5.0 % less than you allowed.",
            "The best of networks drawn at random recognises 85.0 of 100 test images, with as much"
                + " training: the search is 5.0 ahead, in this one run.",
            "Open runs/a/report.html for all of it as pictures; `sextant eval --model runs/a` runs"
                + " the network."),
        Ending.of(result, PublishedMethod.PROXYLESS_G.config(0.1), Path.of("runs/a")));
  }
}
