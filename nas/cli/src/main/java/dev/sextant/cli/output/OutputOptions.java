package dev.sextant.cli.output;

import com.google.gson.JsonObject;
import dev.sextant.nas.provider.Progress;
import java.io.Console;
import picocli.CommandLine.Option;

/** Whether a command tells a person or a program, and how much. */
public final class OutputOptions {
  /** The form of what is printed. */
  public enum Format {
    /** Sentences and tables. */
    TEXT,
    /** One JSON object a line. */
    JSON
  }

  @Option(
      names = "--quiet",
      description = "print nothing but the outcome, and what is doubtful about it")
  private boolean quiet;

  @Option(
      names = "--format",
      paramLabel = "text|json",
      defaultValue = "text",
      description = "json for programs: one object a line (docs/formats.md); default: text")
  private Format format = Format.TEXT;

  /** {@return who is told how far the command is} */
  public Progress progress() {
    Progress all =
        format == Format.JSON ? new JsonProgress(System.out, System::nanoTime) : console();
    return quiet ? doubtsOf(all) : all;
  }

  /** {@return a live line on a terminal, plain lines elsewhere} */
  public static Progress console() {
    Console console = System.console();
    return new ConsoleProgress(System.out, console != null && console.isTerminal());
  }

  /** Messages begin with a word for what they are about. */
  private static Progress doubtsOf(Progress all) {
    return new Progress() {
      @Override
      public void step(String stage, long done, long steps, String status, long peakBytes) {}

      @Override
      public void message(String text) {
        if (text.startsWith("doubtful")) {
          all.message(text);
        }
      }
    };
  }

  /**
   * Prints what came of the command.
   *
   * @param json for a program
   * @param text prints it for a person
   */
  public void outcome(JsonObject json, Runnable text) {
    if (format == Format.JSON) {
      System.out.println(json);
    } else {
      text.run();
    }
  }
}
