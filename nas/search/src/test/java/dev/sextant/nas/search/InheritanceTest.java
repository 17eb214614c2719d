package dev.sextant.nas.search;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.sextant.nas.method.PublishedMethod;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.method.TeacherConfig;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a search has learnt is there when its networks are trained. */
class InheritanceTest {
  private static final double NEVER = 1e9;

  @TempDir private Path folder;

  /** Weights of its own, first channels of shared kernels, cores of superkernels, single paths. */
  @ParameterizedTest
  @EnumSource(
      value = PublishedMethod.class,
      names = {"PROXYLESS_G", "TUNAS", "SINGLE_PATH", "FRONT"})
  void withoutTrainingTheNetworkHasTheWeightsOfItsPath(PublishedMethod method) throws IOException {
    SearchConfig config = TinyRun.config(1, method.recipe()).withRandomSamples(0);
    RunDirectory run = run("kept", config.withRetraining(config.retraining().withEpochs(0)));
    Weights inherited = Weights.read(run.inherited(1));
    Weights kept = Weights.read(run.weights());
    assertEquals(inherited.entries().keySet(), kept.entries().keySet());
    boolean calibrated = false;
    for (String name : inherited.entries().keySet()) {
      float[] values = inherited.entries().get(name).values();
      assertArrayEquals(values, kept.entries().get(name).values(), name);
      calibrated |= name.endsWith("mean") && values[0] != 0;
    }
    assertTrue(calibrated, "no batch norm has statistics");
    // Whole models, both of them.
    CompiledModel.compile(Architecture.read(run.architecture()), inherited).close();
    CompiledModel.compile(Architecture.read(run.teacher()), Weights.read(run.teacherWeights()))
        .close();
    JsonObject result = JsonParser.parseString(Files.readString(run.result())).getAsJsonObject();
    assertTrue(result.get("teacher.validationAccuracy").getAsDouble() > 0);
  }

  @Test
  void eachBudgetHasWeightsToBeginWith() {
    SearchConfig config = TinyRun.config(1, PublishedMethod.FRONT.recipe()).withRandomSamples(0);
    RunDirectory run =
        run(
            "two",
            config
                .withBudget(config.budget().withCeiling(true).withFront(List.of(0.28), 0))
                .withRetraining(config.retraining().keeping(true, TeacherConfig.NONE)));
    assertTrue(Files.exists(run.inherited(2)));
    assertFalse(Files.exists(run.teacher()));
  }

  @Test
  void fromScratchNothingIsLeft() {
    SearchConfig config =
        TinyRun.config(1, PublishedMethod.PROXYLESS_G.recipe()).withRandomSamples(0);
    RunDirectory run =
        run(
            "scratch",
            config.withRetraining(config.retraining().keeping(false, TeacherConfig.NONE)));
    assertFalse(Files.exists(run.inherited(1)));
    assertFalse(Files.exists(run.teacherWeights()));
  }

  /** A run that goes on would begin its training with them. */
  @Test
  void anothersWeightsAreRefused() throws IOException {
    SearchConfig config =
        TinyRun.config(1, PublishedMethod.PROXYLESS_G.recipe()).withRandomSamples(0);
    RunDirectory run = run("ended", config);
    for (Path file : List.of(run.inherited(1), run.teacherWeights())) {
      byte[] own = Files.readAllBytes(file);
      Files.copy(run.weights(), file, StandardCopyOption.REPLACE_EXISTING);
      String message =
          assertThrows(SextantException.class, () -> SearchRun.resume(run, NEVER, Progress.NONE))
              .getMessage();
      assertTrue(message.contains(file.getFileName().toString()), message);
      Files.write(file, own);
    }
  }

  private RunDirectory run(String name, SearchConfig config) {
    RunDirectory directory = new RunDirectory(folder.resolve(name));
    try (SearchRun run = TinyRun.start(directory, config, NEVER, Progress.NONE)) {
      run.run();
    }
    return directory;
  }
}
