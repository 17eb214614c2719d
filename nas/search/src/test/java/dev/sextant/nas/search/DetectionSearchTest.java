package dev.sextant.nas.search;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonParser;
import dev.sextant.nas.cost.ExpectedCost;
import dev.sextant.nas.data.DataOptions;
import dev.sextant.nas.data.Datasets;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.method.PublishedMethod;
import dev.sextant.nas.method.Retraining;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.method.TeacherConfig;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.report.Report;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.SearchResult;
import dev.sextant.nas.run.SearchSetup;
import dev.sextant.nas.shrink.Alternatives;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.Architecture;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.SextantException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Searches for detectors, by methods of chains, gone through and stopped on the way. */
@Tag("long")
class DetectionSearchTest {
  private static final String DATA = "scenes:48";
  private static final DataOptions OPTIONS = DataOptions.DEFAULT.withImageSize(32);

  @TempDir private Path folder;

  private static ImageDataset data() {
    return Datasets.open(DATA, OPTIONS);
  }

  private static SearchSetup setup(PublishedMethod method) {
    Space space = Space.named("detection-small").withInput(new Architecture.Input(32, 32, 3), 5);
    ExpectedCost cost = TinyRun.table(space).costs(space);
    double budget = (cost.minimum() + cost.maximum()) / 2;
    SearchConfig tiny = TinyRun.config(3, method.recipe(), budget);
    // A few steps have to move something.
    SearchConfig config =
        taught(tiny.forDetection().withArchitecture(tiny.architecture()), TeacherConfig.NONE);
    return new SearchSetup(DATA, OPTIONS, space, config, true, Device.CPU, 1, 1, 1);
  }

  private static SearchConfig taught(SearchConfig config, TeacherConfig teacher) {
    Retraining own = config.retraining();
    return config.withRetraining(
        new Retraining(
            own.epochs(), own.rate(), own.inheritWeights(), own.regularization(), teacher));
  }

  private static SearchRun start(Path path, SearchSetup setup, double seconds, Progress progress) {
    return SearchRun.start(
        RunDirectory.create(path), setup, TinyRun.model(setup), data(), seconds, progress);
  }

  @ParameterizedTest
  @EnumSource(
      value = PublishedMethod.class,
      names = {"PROXYLESS_R", "TUNAS", "SINGLE_PATH", "FRONT"})
  void aStoppedSearchEndsWithTheSameBits(PublishedMethod method) throws Exception {
    SearchSetup setup = setup(method);
    Path whole = folder.resolve("whole");
    SearchResult result;
    try (SearchRun run = start(whole, setup, 1e9, Progress.NONE)) {
      result = run.run();
    }
    assertTrue(result.found().architecture().detects());
    assertTrue(result.found().testAccuracy() >= 0 && result.found().testAccuracy() <= 1);
    var evaluation =
        JsonParser.parseString(Files.readString(whole.resolve("evaluation.json")))
            .getAsJsonObject();
    assertEquals(5, evaluation.getAsJsonArray("precision").size());
    assertEquals(12, evaluation.getAsJsonArray("scenes").size());
    String report = Files.readString(whole.resolve("report.html"));
    assertTrue(report.contains("What it finds") && report.contains("Test mAP"), "report.html");
    assertTrue(Report.title(new RunDirectory(whole)).startsWith("detection-small"));

    Path stopped = folder.resolve("stopped");
    try (SearchRun run = start(stopped, setup, 0, new StopAfter(7))) {
      assertThrows(StopAfter.Stopped.class, run::run);
    }
    try (SearchRun resumed = SearchRun.resume(new RunDirectory(stopped), 1e9, Progress.NONE)) {
      resumed.run();
    }
    for (String file : new String[] {"architecture.json", "weights.safetensors"}) {
      assertArrayEquals(
          Files.readAllBytes(whole.resolve(file)), Files.readAllBytes(stopped.resolve(file)), file);
    }
  }

  @Test
  void teachersAreForClassifiers() {
    SearchSetup setup = setup(PublishedMethod.TUNAS);
    SearchConfig taught = taught(setup.config(), new TeacherConfig(0.5, 2));
    SearchSetup asked =
        new SearchSetup(DATA, OPTIONS, setup.space(), taught, true, Device.CPU, 1, 1, 1);
    String message =
        assertThrows(SextantException.class, () -> BudgetCheck.check(asked, TinyRun.model(asked)))
            .getMessage();
    assertEquals(
        "teacher-weight: a teacher's logits are of classes of images, detection-small is for"
            + " objects",
        message);
    assertThrows(
        SextantException.class, () -> Alternatives.space(setup.space().derive(new int[8])));
  }

  @Test
  void spaceAndImagesHaveOneTask() {
    SearchSetup setup = setup(PublishedMethod.TUNAS);
    ImageDataset labelled = Datasets.open("builtin:100", OPTIONS);
    String message =
        assertThrows(
                SextantException.class,
                () ->
                    SearchRun.start(
                        RunDirectory.create(folder.resolve("run")),
                        setup,
                        TinyRun.model(setup),
                        labelled,
                        1e9,
                        Progress.NONE))
            .getMessage();
    assertEquals(
        "detection-small: its networks look for objects, which takes images with boxes", message);
  }
}
