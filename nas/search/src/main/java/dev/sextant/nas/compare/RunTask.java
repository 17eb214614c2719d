package dev.sextant.nas.compare;

import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.search.SearchRun;
import dev.sextant.nas.search.SharedRun;
import dev.sextant.nas.workers.Cluster;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** One run of a comparison, to its end, in this process or another. */
final class RunTask implements Cluster.Task {
  private static final long serialVersionUID = 1;

  private final String directory;
  private final String title;
  private final double checkpointSeconds;
  private final boolean takeOver;

  /** Of this process alone. */
  private final transient @Nullable Progress progress;

  /**
   * A run.
   *
   * @param title said when it begins
   * @param takeOver whether the process that held it is known to be gone
   */
  RunTask(
      Path directory, String title, double checkpointSeconds, boolean takeOver, Progress progress) {
    this.directory = directory.toAbsolutePath().toString();
    this.title = title;
    this.checkpointSeconds = checkpointSeconds;
    this.takeOver = takeOver;
    this.progress = progress;
  }

  @Override
  public String run(int attempt) {
    Progress told = progress == null ? Progress.NONE : progress;
    RunDirectory run = new RunDirectory(Path.of(directory));
    if (Files.exists(run.result())) {
      return directory;
    }
    told.message(title);
    if (takeOver || attempt > 0) {
      SharedRun.takeOver(run);
    }
    try (SearchRun resumed = SearchRun.resume(run, checkpointSeconds, told)) {
      resumed.run();
    }
    return directory;
  }
}
