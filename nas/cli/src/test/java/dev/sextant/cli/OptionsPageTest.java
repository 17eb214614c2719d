package dev.sextant.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sextant.runtime.AtomicFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/**
 * {@code docs/options.md} is what the commands say of themselves; {@code -Dsextant.docs=write}
 * writes it anew.
 */
class OptionsPageTest {
  private static final Path PAGE =
      Path.of(System.getProperty("basedir", "."), "../../docs/options.md").normalize();

  @Test
  void thePageHasEveryOption() throws Exception {
    String page = page(new CommandLine(new Main()));
    if ("write".equals(System.getProperty("sextant.docs"))) {
      AtomicFile.write(PAGE, page);
    }
    assertEquals(page, Files.readString(PAGE), "written anew by -Dsextant.docs=write");
  }

  private static String page(CommandLine main) {
    StringBuilder page =
        new StringBuilder(
            """
            # Every option

            Made from the commands themselves (`OptionsPageTest`); `--help` and `--version` are left out.
            """);
    main.getSubcommands().values().stream()
        .distinct()
        .map(CommandLine::getCommandSpec)
        .forEach(command -> append(page, command));
    return page.toString();
  }

  private static void append(StringBuilder page, CommandSpec command) {
    page.append("\n## ").append(command.name()).append("\n\n");
    page.append(text(command.usageMessage().description())).append("\n");
    List<OptionSpec> options =
        command.options().stream()
            .filter(option -> !option.usageHelp() && !option.versionHelp() && !option.hidden())
            .toList();
    if (options.isEmpty() && command.positionalParameters().isEmpty()) {
      return;
    }
    page.append("\n| option | what |\n|---|---|\n");
    for (PositionalParamSpec parameter : command.positionalParameters()) {
      row(page, parameter.paramLabel(), parameter);
    }
    for (OptionSpec option : options) {
      String names = Arrays.stream(option.names()).collect(Collectors.joining(", "));
      boolean flag = option.arity().max() == 0;
      row(page, flag ? names : names + " " + option.paramLabel(), option);
    }
  }

  private static void row(StringBuilder page, String name, ArgSpec argument) {
    page.append("| `")
        .append(name.replace("|", "\\|"))
        .append("` | ")
        .append(
            text(argument.description())
                .replace("${DEFAULT-VALUE}", String.valueOf(argument.defaultValue())))
        .append(argument.required() ? " (required)" : "")
        .append(" |\n");
  }

  /** As picocli prints it: its format's signs and its variables are made out. */
  private static String text(String[] lines) {
    return String.join(" ", lines).replace("%%", "%").replace("|", "\\|").replace("<", "&lt;");
  }
}
