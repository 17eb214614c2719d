package dev.sextant.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A comparison of one run, and what is refused. */
@Tag("long")
class CompareCommandTest {
  @TempDir private Path directory;

  private Object[] arguments(Path out, String... more) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "compare",
                "--data=builtin:300",
                "--table=" + CheapTable.write(directory.resolve("table.json")),
                "--budget=" + CheapTable.budget(),
                "--out=" + out,
                "--batch=64",
                "--threads=1"));
    arguments.addAll(List.of(more));
    return arguments.toArray();
  }

  @Test
  void aComparisonEndsInATableAndContinuesToItself() throws Exception {
    Path out = directory.resolve("runs/compare");
    String[] one = {"--methods=random", "--seeds=1", "--time=3s"};
    String printed = Command.run(arguments(out, one)).succeeded();
    assertTrue(printed.contains("run 1 of 1: random, seed 1"), printed);
    assertTrue(table(printed).contains("test accuracy %"), printed);
    assertTrue(Files.exists(out.resolve("random-seed1/report.html")));
    assertTrue(Files.exists(out.resolve("latency-proxyless-small.json")));
    assertTrue(Files.readString(out.resolve("compare.json")).contains("\"--time\": \"PT3S\""));

    // Nothing is left to do, by either command.
    for (Object[] again : new Object[][] {{"resume", out}, arguments(out, one)}) {
      String continued = Command.run(again).succeeded();
      assertFalse(continued.contains("run 1 of 1"), continued);
      assertEquals(table(printed), table(continued));
    }
    Files.delete(out.resolve("compare.html"));
    Command.run("report", out).succeeded();
    assertTrue(Files.readString(out.resolve("compare.html")).contains("random-seed1"));
    Command.run(arguments(out, "--methods=random", "--seeds=2", "--time=3s"))
        .refused(out, "holds a comparison with --seeds 1, not 2");
    Command.run(arguments(out.resolve("random-seed1"), one)).refused("holds a run");
  }

  @Test
  void badInputIsRefusedAndLeavesNothing() {
    Path out = directory.resolve("compare");
    Command.run(arguments(out, "--methods=proxyless-g,magic")).refused("magic", "proxyless-r");
    Command.run(arguments(out, "--methods=random,random")).refused("random is there twice");
    Command.run(arguments(out, "--methods=tunas:none")).refused("none");
    Command.run(arguments(out, "--seeds=0")).refused("seeds: 0");
    Command.run(arguments(out, "--time=soon")).refused("--time", "soon");
    Command.run(arguments(out, "--time=0s")).refused("--time", "0s");
    Command.run(arguments(out, "--methods=random", "--time=0.01s"))
        .refused("time: 0.01 s is too short", "random takes");
    Command.run(arguments(out, "--methods=random", "--budget=9M")).refused("budget");
    Command.run("compare", "--truth=truth.csv", "--space=other.json", "run")
        .refused("--space: with --truth runs are judged as they were made");
    assertFalse(Files.exists(out));
  }

  /** From the budget on. */
  private static String table(String printed) {
    int start = printed.indexOf("budget    ");
    assertFalse(start < 0, printed);
    return printed.substring(start);
  }
}
