package dev.sextant.cli;

import dev.sextant.cli.options.ClusterOptions;
import dev.sextant.cli.output.Outcomes;
import dev.sextant.cli.output.OutputOptions;
import dev.sextant.nas.compare.MethodComparison;
import dev.sextant.nas.compare.Standing;
import dev.sextant.nas.data.Datasets;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.run.Folders;
import dev.sextant.nas.run.Owner;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.RunFile;
import dev.sextant.nas.run.SearchResult;
import dev.sextant.nas.run.SearchSetup;
import dev.sextant.nas.run.TrainingSetup;
import dev.sextant.nas.search.SearchRun;
import dev.sextant.nas.train.TrainingRun;
import dev.sextant.runtime.Architecture;
import dev.sextant.tensor.SextantException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
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
      names = "--take-over",
      description =
          "the process that holds the directory is gone, or is to stop at its next checkpoint;"
              + " needed where that was on another machine")
  private boolean takeOver;

  @Mixin private ClusterOptions cluster = new ClusterOptions();

  @Option(
      names = "--checkpoint-seconds",
      defaultValue = "30",
      description = "between checkpoints; default: ${DEFAULT-VALUE}")
  private double checkpointSeconds;

  @Mixin private OutputOptions output = new OutputOptions();

  @Override
  public void run() {
    List<RunDirectory> runs = runs();
    boolean elsewhere = cluster.isGiven();
    if (takeOver) {
      if (MethodComparison.isIn(directory)) {
        Owner.release(directory);
      }
      runs.forEach(run -> Owner.release(run.path()));
    }
    if (data != null) {
      for (RunDirectory run : runs) {
        new RunFile(run).moveData(data);
      }
    }
    if (MethodComparison.isIn(directory)) {
      MethodComparison comparison = MethodComparison.read(directory);
      if (elsewhere) {
        throw new SextantException(
            directory + ": is a comparison, which a cluster continues by the same sextant sweep");
      }
      Standing standing = comparison.run(checkpointSeconds, output.progress());
      output.outcome(Outcomes.of(standing, directory), () -> Terminal.print(standing, comparison));
      return;
    }
    RunDirectory run = new RunDirectory(directory);
    if (elsewhere) {
      resumeElsewhere(run);
      return;
    }
    if (new RunFile(run).isTraining()) {
      resumeTraining(run);
      return;
    }
    SearchConfig config = new RunFile(run).read().config();
    try (SearchRun resumed = SearchRun.resume(run, checkpointSeconds, output.progress())) {
      SearchResult result = resumed.run();
      output.outcome(
          Outcomes.of(result, config, directory), () -> Terminal.print(result, config, run));
    }
  }

  /** The run, or every run of a comparison. */
  private List<RunDirectory> runs() {
    if (!MethodComparison.isIn(directory)) {
      RunDirectory run = new RunDirectory(directory);
      new RunFile(run).requireThere();
      return List.of(run);
    }
    return Folders.in(directory).stream()
        .map(RunDirectory::new)
        .filter(run -> Files.isRegularFile(run.run()))
        .toList();
  }

  private void resumeElsewhere(RunDirectory run) {
    RunFile file = new RunFile(run);
    if (file.isTraining()) {
      TrainingSetup setup = file.readTraining();
      cluster.run(run, checkpointSeconds, setup.threads(), takeOver);
      TrainCommand.print(run, setup, Datasets.open(setup.dataSource(), setup.dataOptions()));
      return;
    }
    SearchSetup setup = file.read();
    cluster.run(run, checkpointSeconds, setup.threads(), takeOver);
    Terminal.print(SearchRun.result(run), setup.config(), run);
  }

  private void resumeTraining(RunDirectory directory) {
    try (TrainingRun resumed =
        TrainingRun.resume(directory, checkpointSeconds, output.progress())) {
      Architecture architecture = resumed.architecture();
      Terminal.trained(output, architecture, resumed.run(), resumed.device(), directory.path());
    }
  }
}
