package dev.sextant.cli;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("machine-text")
class PtxCommandTest {
  @Test
  void printsAKernelWithItsComments() {
    String text = Command.run("ptx", "depthwise_k3_s1_p1_d1_v4").succeeded();
    assertTrue(text.contains(".visible .entry depthwise_k3_s1_p1_d1_v4("), text);
    assertTrue(text.contains("// kernel row 0 into row 0"), text);
  }

  @Test
  void listsNames() {
    String names = Command.run("ptx").succeeded();
    assertTrue(names.lines().anyMatch("reduce_statistics_partial_v4"::equals), names);
  }

  @Test
  void saysWhatToDoAboutAnUnknownName() {
    Command.run("ptx", "depthwise").refused("no kernel 'depthwise'");
  }
}
