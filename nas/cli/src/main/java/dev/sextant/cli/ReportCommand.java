package dev.sextant.cli;

import dev.sextant.nas.report.Report;
import dev.sextant.nas.search.RunDirectory;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code sextant report}. */
@Command(
    name = "report",
    mixinStandardHelpOptions = true,
    description = "Writes report.html into the directory of a run, finished or not.")
final class ReportCommand implements Runnable {
  @Parameters(paramLabel = "DIR", description = "directory of the run")
  private Path directory = Path.of("");

  @Override
  public void run() {
    RunDirectory run = new RunDirectory(directory);
    Report.write(run);
    System.out.println("written " + run.report());
  }
}
