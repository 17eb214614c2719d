package dev.sextant.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A command run in this process.
 *
 * @param status exit status
 * @param out standard output
 * @param err standard error
 */
record Command(int status, String out, String err) {
  /** Runs one; the tests of this module do so one after the other. */
  static Command run(Object... arguments) {
    PrintStream out = System.out;
    PrintStream err = System.err;
    ByteArrayOutputStream outBytes = new ByteArrayOutputStream();
    ByteArrayOutputStream errBytes = new ByteArrayOutputStream();
    try {
      System.setOut(new PrintStream(outBytes, true, StandardCharsets.UTF_8));
      System.setErr(new PrintStream(errBytes, true, StandardCharsets.UTF_8));
      int status =
          Main.execute(
              List.of(), Arrays.stream(arguments).map(Object::toString).toArray(String[]::new));
      return new Command(
          status,
          outBytes.toString(StandardCharsets.UTF_8),
          errBytes.toString(StandardCharsets.UTF_8));
    } finally {
      System.setOut(out);
      System.setErr(err);
    }
  }

  /** The same in a JVM of its own with other options. */
  static Command inJvm(List<String> options, Object... arguments) throws Exception {
    List<String> line = new ArrayList<>();
    line.add(System.getProperty("java.home") + "/bin/java");
    line.addAll(options);
    line.add("-cp");
    line.add(System.getProperty("java.class.path"));
    line.add(Main.class.getName());
    Arrays.stream(arguments).map(Object::toString).forEach(line::add);
    Process process =
        new ProcessBuilder(line).redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
    String err = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Command(process.waitFor(), "", err);
  }

  /** Fails unless the command succeeded and said nothing on standard error; returns its output. */
  String succeeded() {
    assertEquals("", err);
    assertEquals(0, status, out);
    return out;
  }

  /** Fails unless the command refused its input with one line that holds each of the parts. */
  void refused(Object... parts) {
    assertEquals(2, status, () -> out + err);
    List<String> lines =
        err.lines().filter(line -> !line.startsWith("WARNING: Using incubator")).toList();
    assertEquals(1, lines.size(), err);
    assertTrue(lines.getFirst().startsWith("sextant: "), err);
    for (Object part : parts) {
      assertTrue(lines.getFirst().contains(part.toString()), () -> err + " should say " + part);
    }
  }
}
