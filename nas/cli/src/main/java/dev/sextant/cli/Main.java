package dev.sextant.cli;

import dev.sextant.tensor.SextantException;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The {@code sextant} command. */
@Command(
    name = "sextant",
    mixinStandardHelpOptions = true,
    version = "sextant 0.1.0",
    description = "Finds the most accurate network that fits a latency budget, and runs it.",
    subcommands = {SearchCommand.class, ResumeCommand.class, ReportCommand.class})
public final class Main implements Runnable {
  /** Bad input: one line on standard error, nothing half-written. */
  static final int BAD_INPUT = 2;

  private Main() {}

  /** Runs a command and exits with its status: 0, 2 for bad input, 1 for a defect. */
  public static void main(String[] args) {
    System.exit(execute(args));
  }

  /** Runs a command; returns its exit status. */
  static int execute(String... args) {
    return new CommandLine(new Main())
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setParameterExceptionHandler(
            (exception, arguments) -> {
              System.err.println("sextant: " + exception.getMessage());
              return BAD_INPUT;
            })
        .setExecutionExceptionHandler(
            (exception, command, result) -> {
              if (exception instanceof SextantException) {
                System.err.println("sextant: " + exception.getMessage());
                return BAD_INPUT;
              }
              throw exception;
            })
        .execute(args);
  }

  @Override
  public void run() {
    CommandLine.usage(this, System.out);
  }
}
