package dev.sextant.cli;

import dev.sextant.nas.live.LivePage;
import dev.sextant.tensor.SextantException;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code sextant watch}. */
@Command(
    name = "watch",
    mixinStandardHelpOptions = true,
    description =
        "Serves a page on this machine's loopback that shows a run while it goes on, here or in"
            + " another process, or ended; of a directory of runs a table, and runs laid over one"
            + " another. Until Ctrl-C.")
final class WatchCommand implements Runnable {
  @Parameters(paramLabel = "RUN|DIR", description = "directory of a run, or of runs")
  private Path path = Path.of("");

  @Option(
      names = "--port",
      defaultValue = "0",
      description = "to listen at; default: any that is free")
  private int port;

  @Override
  public void run() {
    if (!Files.isDirectory(path)) {
      throw new SextantException(path + ": no such directory");
    }
    // This process runs nothing that the page could stop.
    try (LivePage page = LivePage.serve(path, port, () -> {})) {
      System.out.println("watch     " + page.address());
      System.out.flush();
      Thread.sleep(Long.MAX_VALUE);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
