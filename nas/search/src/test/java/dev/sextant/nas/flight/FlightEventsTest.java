package dev.sextant.nas.flight;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.method.PublishedMethod;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.search.SearchRun;
import dev.sextant.nas.search.TinyRun;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;

/** A recorded run has its steps, epochs and, where it is asked for, layers. */
@Isolated("what other tests do would be recorded too")
class FlightEventsTest {
  @TempDir private Path folder;

  @Test
  void aRecordingHasWhatHappened() throws Exception {
    RunDirectory directory = new RunDirectory(folder.resolve("run"));
    var setup = TinyRun.setup(TinyRun.config(1, PublishedMethod.PROXYLESS_G.recipe()));
    Map<String, Long> steps = new TreeMap<>();
    Progress progress =
        new Progress() {
          @Override
          public void step(String stage, long done, long all, String status, long peak) {
            steps.merge(stage, 1L, Long::sum);
          }

          @Override
          public void message(String text) {}
        };
    Path file = folder.resolve("run.jfr");
    try (Recording recording = new Recording()) {
      recording.enable("dev.sextant.Layer");
      recording.start();
      RunDirectory.create(directory.path());
      try (SearchRun run =
          SearchRun.start(directory, setup, TinyRun.model(setup), TinyRun.data(), 1e9, progress)) {
        run.run();
      }
      recording.dump(file);
    }
    Map<String, List<RecordedEvent>> events =
        RecordingFile.readAllEvents(file).stream()
            .filter(event -> event.getEventType().getName().startsWith("dev.sextant."))
            .collect(Collectors.groupingBy(event -> event.getEventType().getName()));
    assertEquals(1, events.get("dev.sextant.Run").size());
    assertEquals(
        directory.path().toString(),
        events.get("dev.sextant.Run").getFirst().getString("directory"));
    assertEquals(
        steps,
        events.get("dev.sextant.Step").stream()
            .collect(
                Collectors.groupingBy(
                    event -> event.getString("stage"), TreeMap::new, Collectors.counting())));
    // Three of the search, one of retraining, three of the sample, one of its retraining.
    assertEquals(8, events.get("dev.sextant.Epoch").size());
    assertTrue(events.get("dev.sextant.ArchitectureStep").size() > 10);
    assertTrue(events.get("dev.sextant.Layer").size() > 100);
  }
}
