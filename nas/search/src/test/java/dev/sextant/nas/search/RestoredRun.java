package dev.sextant.nas.search;

import dev.sextant.nas.checkpoint.Checkpoint;
import dev.sextant.nas.cost.CostModel;
import dev.sextant.nas.cost.PredictedLatency;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.method.PublishedMethod;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.Owner;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.RunFile;
import dev.sextant.nas.run.SearchSetup;
import dev.sextant.nas.workers.Workers;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Backends;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** A tiny run that has ended, which takes up again from whatever checkpoint it is given. */
public final class RestoredRun implements AutoCloseable {
  private final RunDirectory directory;
  private final RunDirectory copy;
  private final SearchSetup setup;
  private final CostModel model;
  private final ImageDataset data = TinyRun.data();
  private final List<byte[]> checkpoints = new ArrayList<>();
  private final byte[] events;

  /** Runs to the end in a directory, and keeps a checkpoint of each stage. */
  public RestoredRun(RunDirectory directory) {
    this.directory = directory;
    copy = new RunDirectory(directory.path().resolveSibling("resumed"));
    Progress keeping =
        new Progress() {
          private String last = "";

          @Override
          public void step(String stage, long done, long steps, String status, long peakBytes) {
            // Of the step before: a checkpoint is made after each.
            if (done == 3 && !stage.equals(last)) {
              last = stage;
              keep();
            }
          }

          @Override
          public void message(String text) {}
        };
    try (SearchRun run =
        TinyRun.start(
            directory, TinyRun.config(1, PublishedMethod.PROXYLESS_G.recipe()), 0, keeping)) {
      run.run();
    }
    keep();
    setup = new RunFile(directory).read();
    model = TinyRun.model(setup);
    try {
      Files.createDirectories(copy.checkpoint().getParent());
      try (Stream<Path> files = Files.list(directory.path())) {
        for (Path file : files.filter(Files::isRegularFile).toList()) {
          if (!file.getFileName().toString().startsWith("owner")) {
            Files.copy(file, copy.path().resolve(file.getFileName()));
          }
        }
      }
      events = Files.readAllBytes(directory.events());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void keep() {
    try {
      checkpoints.add(Files.readAllBytes(directory.checkpoint()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** In the midst of every stage, and at the end. */
  public List<byte[]> checkpoints() {
    return List.copyOf(checkpoints);
  }

  /** Goes as far as the next step. */
  public void read(byte[] checkpoint) throws IOException {
    Files.write(copy.checkpoint(), checkpoint);
    Files.write(copy.events(), events);
    try (Backend backend = Backends.open(setup.device(), setup.threads());
        Owner owner = Owner.of(copy.path())) {
      new SearchRun(
              copy,
              owner,
              setup,
              model,
              data,
              backend,
              Checkpoint.read(copy.checkpoint(), backend),
              1e9,
              Progress.NONE,
              Workers.ALONE)
          .close();
    }
  }

  /** Writes a latency predictor. */
  public void predictor(Path file) {
    SearchSetup cells = TinyRun.setup(TinyRun.config(1, PublishedMethod.LA_DARTS.recipe()));
    try (PredictedLatency predictor = (PredictedLatency) TinyRun.model(cells)) {
      predictor.write(file);
    }
  }

  @Override
  public void close() {
    if (model instanceof AutoCloseable closing) {
      try {
        closing.close();
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    }
  }
}
