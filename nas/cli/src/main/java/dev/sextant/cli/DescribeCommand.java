package dev.sextant.cli;

import dev.sextant.nas.cost.LatencyFiles;
import dev.sextant.nas.space.Describe;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.Architectures;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code sextant describe}. */
@Command(
    name = "describe",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description =
        "Prints the layers, parameters and multiply-adds of an architecture or a space, with a"
            + " latency table also the milliseconds it predicts; without an argument, the names of"
            + " the built-in ones.")
final class DescribeCommand implements Runnable {
  @Parameters(
      arity = "0..1",
      paramLabel = "NAME|FILE",
      description = "built-in name, or JSON file of an architecture or a space")
  private @Nullable String network;

  @Option(
      names = "--table",
      paramLabel = "FILE",
      description = "latency table: JSON, CSV, or ProxylessNAS's Pixel-1 CSV")
  private @Nullable Path table;

  @Option(
      names = "--format",
      defaultValue = "text",
      description = "${COMPLETION-CANDIDATES}; default: ${DEFAULT-VALUE}")
  private Format format = Format.TEXT;

  @Mixin private ImageSize size = new ImageSize();

  /** For whom. */
  enum Format {
    TEXT,
    JSON;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  @Override
  public void run() {
    if (network == null) {
      System.out.print(
          switch (format) {
            case TEXT ->
                "spaces\n%sarchitectures\n%s"
                    .formatted(lines(Space.names()), lines(Architectures.names()));
            case JSON ->
                "{\"spaces\": [%s], \"architectures\": [%s]}\n"
                    .formatted(quoted(Space.names()), quoted(Architectures.names()));
          });
      return;
    }
    Networks.Named named = Networks.either(network);
    Describe.Prices prices = table == null ? null : LatencyFiles.read(table).prices();
    System.out.print(
        switch (named) {
          case Networks.Named.OfSpace(Space space) ->
              switch (format) {
                case TEXT -> Describe.text(size.of(space), prices);
                case JSON -> Describe.json(size.of(space), prices);
              };
          case Networks.Named.OfArchitecture(var architecture) ->
              switch (format) {
                case TEXT -> Describe.text(size.of(architecture), prices);
                case JSON -> Describe.json(size.of(architecture), prices);
              };
        });
  }

  private static String lines(List<String> names) {
    StringBuilder text = new StringBuilder();
    names.forEach(name -> text.append("  ").append(name).append('\n'));
    return text.toString();
  }

  private static String quoted(List<String> names) {
    return "\"" + String.join("\", \"", names) + "\"";
  }
}
