package dev.sextant.nas.live;

import dev.sextant.nas.run.Owner;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.tensor.SextantException;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Ends runs as Ctrl-C does: they go on from their last checkpoint when they are resumed. */
final class Stopping {
  /** Until the answer is with the reader. */
  private static final int DELAY_MILLIS = 300;

  private Stopping() {}

  /**
   * Stops a run.
   *
   * @param stopHere where it is this process's
   * @return what was done, in a sentence
   * @throws SextantException if no process of this machine has it
   */
  static String stop(RunDirectory run, Runnable stopHere) {
    ProcessHandle holder = Owner.process(run.path());
    if (holder == null) {
      throw new SextantException(run.path() + ": no process of this machine runs it");
    }
    if (holder.pid() == ProcessHandle.current().pid()) {
      CompletableFuture.delayedExecutor(DELAY_MILLIS, TimeUnit.MILLISECONDS).execute(stopHere);
    } else if (!holder.destroy()) {
      throw new SextantException(
          String.format(Locale.ROOT, "%s: process %d takes no signal", run.path(), holder.pid()));
    }
    return String.format(
        Locale.ROOT, "stopped; sextant resume %s goes on from the last checkpoint", run.path());
  }
}
