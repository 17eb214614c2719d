package dev.sextant.cli;

import dev.sextant.cli.output.CleanOutput;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.MemoryLimitException;
import dev.sextant.tensor.SextantException;
import java.io.PrintStream;
import java.nio.file.InvalidPathException;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The {@code sextant} command. */
@Command(
    name = "sextant",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = "Finds the most accurate network that fits a latency budget, and runs it.",
    footer = "%nFrom a checkout or the archive also: sextant gpu-check, which checks a device.",
    subcommands = {
      SearchCommand.class,
      CompareCommand.class,
      SweepCommand.class,
      ResumeCommand.class,
      ProfileCommand.class,
      PredictorCommand.class,
      DescribeCommand.class,
      TrainCommand.class,
      ShrinkCommand.class,
      TruthCommand.class,
      PackCommand.class,
      EvalCommand.class,
      ExportCommand.class,
      ImportCommand.class,
      ServeCommand.class,
      ReportCommand.class,
      WatchCommand.class,
      DoctorCommand.class,
      CompletionCommand.class,
      PtxCommand.class
    })
public final class Main implements Runnable {
  /** Bad input, or too little memory: one line on standard error, nothing half-written. */
  static final int BAD_INPUT = 2;

  /** What a shell gives a process that Ctrl-C ended. */
  static final int INTERRUPTED = 130;

  Main() {}

  /**
   * Runs a command and exits with its status: 0, 2 for bad input, 1 for a defect.
   *
   * @param args the command and its options
   */
  public static void main(String[] args) {
    System.exit(execute(List.of(), args));
  }

  /**
   * Runs a command; returns its exit status.
   *
   * @param more commands beside those there are, as picocli knows them
   * @param args the command and its options
   * @return its exit status
   */
  public static int execute(List<?> more, String... args) {
    PrintStream out = System.out;
    PrintStream err = System.err;
    System.setOut(new CleanOutput(out));
    System.setErr(new CleanOutput(err));
    try {
      return executeCleanly(more, args);
    } finally {
      System.out.flush();
      System.setOut(out);
      System.setErr(err);
    }
  }

  private static int executeCleanly(List<?> more, String... args) {
    CommandLine commandLine = new CommandLine(new Main());
    more.forEach(commandLine::addSubcommand);
    commandLine
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setParameterExceptionHandler((exception, arguments) -> refuse(exception))
        .setExecutionExceptionHandler(
            (exception, command, result) -> {
              if (exception instanceof InvalidPathException unknown) {
                return refuse(new SextantException(sentence(unknown), unknown));
              }
              if (exception instanceof SextantException || outOfMemory(exception) != null) {
                return refuse(exception);
              }
              throw exception;
            });
    try {
      return commandLine.execute(args);
    } catch (OutOfMemoryError e) {
      // Whatever the command held is garbage by now, so that there is memory for a sentence.
      return refuse(e);
    }
  }

  /** Names that no file can have; in the POSIX locale all that have letters beyond ASCII. */
  private static String sentence(InvalidPathException unknown) {
    String letters = System.getProperty("sun.jnu.encoding", "");
    return String.format(
        Locale.ROOT,
        "%s: no file can have that name%s",
        unknown.getInput(),
        letters.equals("UTF-8")
            ? ""
            : " in a locale whose letters are " + letters + " (set LC_ALL=C.UTF-8)");
  }

  private static int refuse(Throwable thrown) {
    OutOfMemoryError noMemory = outOfMemory(thrown);
    String message =
        noMemory == null || thrown instanceof MemoryLimitException
            ? String.valueOf(thrown.getMessage())
            : String.format(
                Locale.ROOT,
                "out of memory (%s) with a heap of %s: raise it with -Xmx, as in"
                    + " SEXTANT_OPTS=-Xmx8g",
                noMemory.getMessage(),
                Memory.human(Runtime.getRuntime().maxMemory()));
    // Causes may be quoted from elsewhere; the promise of one line holds for them too.
    System.err.println(
        "sextant: " + message.strip().replaceFirst("^Error: ", "").replaceAll("\\s*\\R\\s*", " "));
    return BAD_INPUT;
  }

  /** The lack of memory that an exception passed on from another thread, or null. */
  private static @Nullable OutOfMemoryError outOfMemory(Throwable thrown) {
    for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
      if (cause instanceof OutOfMemoryError error) {
        return error;
      }
    }
    return null;
  }

  @Override
  public void run() {
    CommandLine.usage(this, System.out, CommandLine.Help.Ansi.OFF);
  }
}
