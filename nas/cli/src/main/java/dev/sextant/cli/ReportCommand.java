package dev.sextant.cli;

import dev.sextant.nas.compare.MethodComparison;
import dev.sextant.nas.report.Report;
import dev.sextant.nas.run.RunDirectory;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code sextant report}. */
@Command(
    name = "report",
    mixinStandardHelpOptions = true,
    description =
        "Writes report.html into the directory of a run, or compare.html into that of a comparison;"
            + " finished or not.")
final class ReportCommand implements Runnable {
  @Parameters(paramLabel = "DIR", description = "directory of the run or comparison")
  private Path directory = Path.of("");

  @Override
  public void run() {
    if (MethodComparison.isIn(directory)) {
      MethodComparison comparison = MethodComparison.read(directory);
      comparison.writePage();
      System.out.println("written " + comparison.page());
      return;
    }
    RunDirectory run = new RunDirectory(directory);
    Report.write(run);
    System.out.println("written " + run.report());
  }
}
