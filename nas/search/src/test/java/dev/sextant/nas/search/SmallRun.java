package dev.sextant.nas.search;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.sextant.nas.data.DataOptions;
import dev.sextant.nas.data.Datasets;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.method.BatchConfig;
import dev.sextant.nas.method.DescentConfig;
import dev.sextant.nas.method.PublishedMethod;
import dev.sextant.nas.method.Regularization;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.method.TrainingConfig;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.SearchSetup;
import dev.sextant.nas.run.TrainingSetup;
import dev.sextant.nas.train.TrainingRun;
import dev.sextant.runtime.Architecture;
import dev.sextant.tensor.Device;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The least run that has every file: an epoch of search and one of retraining, two steps each, with
 * a checkpoint after each step. Begun where none has, else continued. Its main method is a process
 * that can be killed at any time.
 */
public final class SmallRun {
  private static final String DATA = "builtin:48";

  private SmallRun() {}

  /** Runs a method by name, or {@code train}, in a directory. */
  public static void main(String[] args) {
    System.out.println("begun");
    System.out.flush();
    Path path = Path.of(args[1]);
    if (args[0].equals("train")) {
      try (TrainingRun run = train(path)) {
        run.run();
      }
    } else {
      try (SearchRun run = search(path, PublishedMethod.valueOf(args[0]))) {
        run.run();
      }
    }
  }

  private static ImageDataset data() {
    return Datasets.open(DATA, DataOptions.DEFAULT);
  }

  private static SearchSetup setup(PublishedMethod method) {
    SearchConfig config = TinyRun.config(1, method.recipe());
    return new SearchSetup(
        DATA,
        DataOptions.DEFAULT,
        TinyRun.space(data(), config.recipe()),
        config
            .withWeights(config.weights().withEpochs(0, 1), config.descent())
            .withRandomSamples(method == PublishedMethod.RANDOM ? 1 : 0),
        true,
        Device.CPU,
        1,
        1,
        1);
  }

  /** A search. */
  public static SearchRun search(Path path, PublishedMethod method) {
    RunDirectory directory = new RunDirectory(path);
    if (Files.exists(directory.run())) {
      return SearchRun.resume(directory, 0, Progress.NONE);
    }
    SearchSetup setup = setup(method);
    RunDirectory.create(path);
    return SearchRun.start(directory, setup, TinyRun.model(setup), data(), 0, Progress.NONE);
  }

  /** A training of two epochs. */
  public static TrainingRun train(Path path) {
    RunDirectory directory = new RunDirectory(path);
    if (Files.exists(directory.run())) {
      return TrainingRun.resume(directory, 0, Progress.NONE);
    }
    RunDirectory.create(path);
    SearchSetup searched = setup(PublishedMethod.PROXYLESS_G);
    Architecture network = searched.space().derive(new int[searched.space().options().length]);
    TrainingConfig config =
        new TrainingConfig(
            1,
            2,
            0.1,
            new BatchConfig(24, "light", 0.1),
            DescentConfig.DEFAULT,
            Regularization.NONE);
    return TrainingRun.start(
        directory,
        new TrainingSetup(DATA, DataOptions.DEFAULT, network, config, Device.CPU, 1),
        data(),
        0,
        Progress.NONE);
  }

  /** The events of a run without what a clock said. */
  public static List<JsonObject> events(Path path) throws IOException {
    return Files.readAllLines(path.resolve("events.jsonl")).stream()
        .map(line -> JsonParser.parseString(line).getAsJsonObject())
        .peek(event -> event.remove("measuredMs"))
        .peek(event -> event.remove("sha256"))
        .toList();
  }
}
