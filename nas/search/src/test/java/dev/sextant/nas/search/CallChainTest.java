package dev.sextant.nas.search;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.RunDirectory;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordedFrame;
import jdk.jfr.consumer.RecordedMethod;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;

/**
 * How many calls of this project lie between a run and a depthwise micro-kernel: what someone reads
 * who follows a batch. Seen in the stacks of a small search, several thousand of them.
 */
@Tag("long")
@Isolated("whose calls are samples of the whole JVM")
class CallChainTest {
  private static final String OWN = "dev.sextant.";
  private static final String KERNELS = "dev.sextant.tensor.internal.cpu.depthwise.Depthwise";

  /** The most calls of a step, both ends counted. */
  private static final Map<String, Integer> MOST = Map.of("weightStep", 25, "architectureStep", 30);

  @TempDir private Path folder;

  @Test
  void theWayToAKernelIsShort() throws Exception {
    Map<String, List<String>> longest = new TreeMap<>();
    for (int run = 0; run < 6 && (run == 0 || longest.size() < MOST.size()); run++) {
      for (List<String> chain : chains(folder.resolve("run" + run))) {
        for (String step : MOST.keySet()) {
          if (chain.stream().anyMatch(call -> call.endsWith("." + step))
              && chain.size() > longest.getOrDefault(step, List.of()).size()) {
            longest.put(step, chain);
          }
        }
      }
    }
    MOST.forEach(
        (step, most) -> {
          List<String> chain = longest.getOrDefault(step, List.of());
          System.out.printf("%s: %d calls from a run to a depthwise kernel%n", step, chain.size());
          assertTrue(!chain.isEmpty(), () -> "no kernel seen in a " + step);
          assertTrue(
              chain.size() <= most,
              () ->
                  "%d calls in a %s:%n%s".formatted(chain.size(), step, String.join("\n", chain)));
        });
  }

  /** The calls of samples that ended in a kernel, from the run on. */
  private static List<List<String>> chains(Path folder) throws IOException, InterruptedException {
    Path file = folder.resolveSibling(folder.getFileName() + ".jfr");
    try (Recording recording = new Recording()) {
      recording.enable("jdk.ExecutionSample").withPeriod(Duration.ofMillis(1));
      recording.start();
      Thread thread =
          Thread.ofPlatform()
              .start(
                  () -> {
                    try (SearchRun run =
                        TinyRun.start(
                            new RunDirectory(folder), TinyRun.config(1), 1e9, Progress.NONE)) {
                      run.run();
                    }
                  });
      thread.join();
      recording.stop();
      recording.dump(file);
    }
    List<List<String>> chains = new ArrayList<>();
    for (RecordedEvent event : RecordingFile.readAllEvents(file)) {
      if (event.getStackTrace() != null) {
        List<String> calls = new ArrayList<>();
        for (RecordedFrame frame : event.getStackTrace().getFrames()) {
          RecordedMethod method = frame.getMethod();
          String type = method.getType().getName();
          if (type.startsWith(OWN)) {
            calls.addFirst(type + "." + method.getName());
          }
        }
        int from = calls.indexOf(SearchRun.class.getName() + ".run");
        if (from >= 0 && calls.getLast().startsWith(KERNELS)) {
          chains.add(List.copyOf(calls.subList(from, calls.size())));
        }
      }
    }
    return chains;
  }
}
