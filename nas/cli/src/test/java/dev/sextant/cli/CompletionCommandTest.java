package dev.sextant.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class CompletionCommandTest {
  @Test
  void bashCompletesACommandByTheScript() throws Exception {
    String script = Command.run("completion").succeeded();
    assertTrue(script.contains("bashcompinit"), "zsh takes it too");
    assumeTrue(Files.isExecutable(Path.of("/bin/bash")), "no bash here");
    Process bash =
        new ProcessBuilder("/bin/bash", "-s")
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (var in = bash.getOutputStream()) {
      in.write(
          (script
                  + "\nCOMP_WORDS=(sextant search --dr); COMP_CWORD=2; _complete_sextant\n"
                  + "echo \"${COMPREPLY[@]}\"\n")
              .getBytes(StandardCharsets.UTF_8));
    }
    String said = new String(bash.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, bash.waitFor());
    assertTrue(said.contains("--dry-run"), said);
  }
}
