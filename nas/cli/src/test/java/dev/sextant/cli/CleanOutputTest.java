package dev.sextant.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.cli.output.CleanOutput;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("machine-text")
class CleanOutputTest {
  private static final String HOSTILE = "a\u001b]0;owned\u0007b\u009bc\u202ed\r\u0000e";
  private static final String CLEAN = "a?]0;owned?b?c?d??e";

  @TempDir private Path folder;

  @Test
  void everyWayToPrintIsCleaned() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    CleanOutput out = new CleanOutput(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    out.print(HOSTILE);
    out.println(HOSTILE);
    out.print(new StringBuilder(HOSTILE));
    out.println((Object) HOSTILE);
    out.print(HOSTILE.toCharArray());
    out.println(HOSTILE.toCharArray());
    out.printf(Locale.ROOT, "%s%n", HOSTILE);
    out.append(HOSTILE).append('\u001b').append(HOSTILE, 0, 2);
    out.println('\u001b');
    out.println("\tü 漢 \uD83D\uDE00\n" + null);
    String line = CLEAN + "\n";
    String expected =
        (CLEAN + line).repeat(2)
            + CLEAN
            + line
            + line
            + CLEAN
            + "?a?"
            + "?\n\tü 漢 \uD83D\uDE00\nnull\n";
    assertEquals(
        expected.replace("\n", System.lineSeparator()),
        bytes.toString(StandardCharsets.UTF_8).replace("\n", System.lineSeparator()));
  }

  /** Escape sequences in keys, values and names of files that commands are given. */
  @Test
  void noCommandPassesControlCharactersOn() throws Exception {
    String[] texts = {
      "{\"\\u001b]0;owned\\u0007\":1,\"\\u001b]0;owned\\u0007\":2}",
      "{\"format\":\"sextant-architecture/1\",\"name\":\"\\u001b[2J\"}",
      "{\"format\":\"\\u001b[2J\"}",
      "{\"\u001b[2J\":1}",
      "\u001b[2J",
    };
    for (String text : texts) {
      Path file = Files.writeString(folder.resolve("hostile.json"), text);
      printsNoEscape(Command.run("describe", file));
      printsNoEscape(Command.run("describe", "proxyless-small", "--table", file));
      Path table = Files.writeString(folder.resolve("hostile.csv"), text + ",b\n\u001b[2J,1\n");
      printsNoEscape(Command.run("describe", "proxyless-small", "--table", table));
      printsNoEscape(Command.run("describe", text.replace('/', ' ')));
    }
  }

  private static void printsNoEscape(Command command) {
    assertEquals(2, command.status(), command.out());
    assertTrue(
        (command.out() + command.err()).chars().noneMatch(c -> c == 0x1b || c == 7 || c == 0x9b),
        command.out() + command.err());
  }
}
