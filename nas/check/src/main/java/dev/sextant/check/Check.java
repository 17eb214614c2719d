package dev.sextant.check;

import dev.sextant.cli.Main;
import java.util.List;

/** The {@code sextant} command with {@code gpu-check}, which needs the tests beside it. */
public final class Check {
  private Check() {}

  /**
   * Runs a command and exits with its status.
   *
   * @param args the command and its options
   */
  public static void main(String[] args) {
    System.exit(execute(args));
  }

  static int execute(String... args) {
    return Main.execute(List.of(new GpuCheckCommand()), args);
  }
}
