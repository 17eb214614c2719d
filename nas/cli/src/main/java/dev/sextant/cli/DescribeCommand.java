package dev.sextant.cli;

import dev.sextant.cli.options.GenotypeOptions;
import dev.sextant.cli.options.ImageSize;
import dev.sextant.nas.cells.DescribeCells;
import dev.sextant.nas.cost.Costs;
import dev.sextant.nas.cost.LatencyFiles;
import dev.sextant.nas.data.ImageSources;
import dev.sextant.nas.method.Methods;
import dev.sextant.nas.objective.Objectives;
import dev.sextant.nas.policy.Policies;
import dev.sextant.nas.prior.Priors;
import dev.sextant.nas.provider.Provider;
import dev.sextant.nas.provider.Providers;
import dev.sextant.nas.space.CellNetworkSpace;
import dev.sextant.nas.space.Describe;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.Architectures;
import dev.sextant.runtime.layer.Field;
import dev.sextant.runtime.layer.LayerTypes;
import dev.sextant.tensor.SextantException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
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
  @ArgGroup private @Nullable Which which;

  /** What is described. */
  static final class Which {
    @Parameters(
        arity = "0..1",
        paramLabel = "NAME|FILE",
        description =
            "built-in name, JSON file of an architecture or a space, or the text of a genotype"
                + " (DARTS)")
    private @Nullable String network;

    @Option(
        names = "--space",
        paramLabel = "NAME|FILE",
        description = "a space, where an architecture has the same name")
    private @Nullable String space;

    @Option(
        names = "--architecture",
        paramLabel = "NAME|FILE",
        description = "an architecture, where a space has the same name")
    private @Nullable String architecture;

    private Networks.Named named(GenotypeOptions cells) {
      if (space != null) {
        return new Networks.Named.OfSpace(Networks.space(space));
      }
      if (architecture != null) {
        return new Networks.Named.OfArchitecture(Networks.architecture(architecture, cells));
      }
      if (network == null) {
        throw new IllegalStateException("an empty group");
      }
      return Networks.either(network, cells);
    }
  }

  @Option(
      names = "--methods",
      description =
          "what a search can be made of, built in and from outside: methods, policies, costs,"
              + " objectives and image sources, with the options of their own, and layers with"
              + " their fields")
  private boolean methods;

  @Option(
      names = "--table",
      paramLabel = "FILE",
      description =
          "latency table: JSON, CSV, ProxylessNAS's Pixel-1 CSV, or the YAML of ProxylessNAS and"
              + " Once-for-All")
  private @Nullable Path table;

  @Option(
      names = "--format",
      defaultValue = "text",
      description = "${COMPLETION-CANDIDATES}; default: ${DEFAULT-VALUE}")
  private Format format = Format.TEXT;

  @Mixin private ImageSize size = new ImageSize();
  @Mixin private GenotypeOptions cells = new GenotypeOptions();

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
    if (methods) {
      list("methods", Methods.ALL);
      list("policies", Policies.ALL);
      list("costs", Costs.ALL);
      list("objectives", Objectives.ALL);
      list("training-free scores", Priors.ALL);
      list("image sources from outside", ImageSources.ALL);
      System.out.println("layers");
      LayerTypes.all()
          .forEach(
              (op, type) ->
                  System.out.printf(
                      Locale.ROOT,
                      "  %-16s %s%n",
                      op,
                      type.fields().stream().map(Field::name).collect(Collectors.joining(", "))));
      return;
    }
    if (which == null) {
      System.out.print(
          switch (format) {
            case TEXT ->
                String.format(
                    Locale.ROOT,
                    "spaces\n%sarchitectures\n%s",
                    lines(SearchSpace.names()),
                    lines(Architectures.names()));
            case JSON ->
                String.format(
                    Locale.ROOT,
                    "{\"spaces\": [%s], \"architectures\": [%s]}\n",
                    quoted(SearchSpace.names()),
                    quoted(Architectures.names()));
          });
      return;
    }
    Networks.Named named = which.named(cells);
    Describe.Prices prices = table == null ? null : LatencyFiles.read(table).prices();
    System.out.print(
        switch (named) {
          case Networks.Named.OfSpace(SearchSpace space) ->
              switch (size.of(space)) {
                case Space chain ->
                    switch (format) {
                      case TEXT -> Describe.text(chain, prices);
                      case JSON -> Describe.json(chain, prices);
                    };
                case CellNetworkSpace cells -> describe(cells);
              };
          case Networks.Named.OfArchitecture(var architecture) ->
              switch (format) {
                case TEXT -> Describe.text(size.of(architecture), prices);
                case JSON -> Describe.json(size.of(architecture), prices);
              };
        });
  }

  private String describe(CellNetworkSpace cells) {
    if (table != null) {
      throw new SextantException(
          "table: networks of cells have no table of layers; see `sextant predictor`");
    }
    return switch (format) {
      case TEXT -> DescribeCells.text(cells);
      case JSON -> DescribeCells.json(cells);
    };
  }

  private static void list(String kind, Providers<? extends Provider> providers) {
    System.out.println(kind);
    for (Provider provider : providers.all()) {
      System.out.printf(Locale.ROOT, "  %-16s %s%n", provider.id(), provider.summary());
      for (dev.sextant.nas.provider.Option option : provider.options()) {
        System.out.printf(
            Locale.ROOT,
            "    --set %s.%s=%s  %s%n",
            provider.id(),
            option.name(),
            option.initial(),
            option.summary());
      }
    }
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
