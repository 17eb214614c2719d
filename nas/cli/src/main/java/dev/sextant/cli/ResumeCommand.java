package dev.sextant.cli;

import dev.sextant.nas.compare.MethodComparison;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.RunFile;
import dev.sextant.nas.search.SearchRun;
import dev.sextant.nas.train.TrainingRun;
import dev.sextant.runtime.Architecture;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code sextant resume}. */
@Command(
    name = "resume",
    mixinStandardHelpOptions = true,
    description =
        "Continues a run from its last checkpoint, to the same bits as if it had not stopped; or a"
            + " comparison with the run it had come to.")
final class ResumeCommand implements Runnable {
  @Parameters(paramLabel = "DIR", description = "directory of the run or comparison")
  private Path directory = Path.of("");

  @Option(
      names = "--data",
      paramLabel = "FOLDER",
      description = "where the run's images lie now, if they were moved")
  private @Nullable String data;

  @Option(
      names = "--checkpoint-seconds",
      defaultValue = "30",
      description = "between checkpoints; default: ${DEFAULT-VALUE}")
  private double checkpointSeconds;

  @Override
  public void run() {
    if (data != null) {
      moveData(data);
    }
    if (MethodComparison.isIn(directory)) {
      MethodComparison comparison = MethodComparison.read(directory);
      Terminal.print(comparison.run(checkpointSeconds, Terminal.progress()), comparison);
      return;
    }
    RunDirectory run = new RunDirectory(directory);
    if (new RunFile(run).isTraining()) {
      resumeTraining(run);
      return;
    }
    SearchConfig config = new RunFile(run).read().config();
    try (SearchRun resumed = SearchRun.resume(run, checkpointSeconds, Terminal.progress())) {
      Terminal.print(resumed.run(), config, run);
    }
  }

  /** In the run's file, or in those of every run of a comparison. */
  private void moveData(String to) {
    if (!MethodComparison.isIn(directory)) {
      new RunFile(new RunDirectory(directory)).moveData(to);
      return;
    }
    try (var runs = Files.newDirectoryStream(directory, path -> Files.isDirectory(path))) {
      for (Path run : runs) {
        if (Files.isRegularFile(new RunDirectory(run).run())) {
          new RunFile(new RunDirectory(run)).moveData(to);
        }
      }
    } catch (IOException e) {
      throw new SextantException(
          String.format(Locale.ROOT, "%s: cannot be read (%s)", directory, e.getMessage()), e);
    }
  }

  private void resumeTraining(RunDirectory directory) {
    try (TrainingRun resumed =
        TrainingRun.resume(directory, checkpointSeconds, Terminal.progress())) {
      Architecture architecture = resumed.architecture();
      Terminal.print(
          architecture, resumed.run(), Terminal.latency(architecture, resumed.device(), 1, 1));
    }
    System.out.println("written to " + directory.path());
  }
}
