package dev.sextant.cli;

import dev.sextant.cli.options.ThreadsConverter;
import dev.sextant.cli.options.TimeConverter;
import dev.sextant.nas.data.ClassNames;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.Weights;
import dev.sextant.runtime.service.PoolLimits;
import dev.sextant.serve.ModelServer;
import dev.sextant.serve.ServerLimits;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code sextant serve}. */
@Command(
    name = "serve",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description =
        "Answers requests over HTTP by the V2 inference protocol until it is stopped (SIGTERM or"
            + " Ctrl-C; requests under way are answered first).")
final class ServeCommand implements Runnable {
  /** Bytes that a float of a request takes as text at most. */
  private static final int FLOAT_TEXT = 24;

  private static final long WATCH_MS = 1000;

  @Parameters(
      index = "0",
      paramLabel = "MODEL",
      description = "folder with architecture.json and weights.safetensors, such as that of a run")
  private Path model = Path.of("");

  @Option(
      names = "--port",
      defaultValue = "8080",
      description = "0: any that is free; default: ${DEFAULT-VALUE}")
  private int port;

  @Option(
      names = "--host",
      defaultValue = "127.0.0.1",
      description =
          "address to listen on; there is neither encryption nor authentication; default:"
              + " ${DEFAULT-VALUE}")
  private String host = "";

  @Option(
      names = "--instances",
      converter = ThreadsConverter.class,
      description = "requests computed at a time, on a thread each; default: the processors")
  private @Nullable Integer instances;

  @Option(
      names = "--batch",
      defaultValue = "1",
      description = "images of one request at most; default: ${DEFAULT-VALUE}")
  private int batch;

  @Option(
      names = "--waiting",
      defaultValue = "32",
      description =
          "requests that wait at most, a further one is refused; default: ${DEFAULT-VALUE}")
  private int waiting;

  @Option(
      names = "--patience",
      converter = TimeConverter.class,
      defaultValue = "1s",
      description = "how long a request waits at most; default: ${DEFAULT-VALUE}")
  private Duration patience = Duration.ZERO;

  @Option(
      names = "--grace",
      converter = TimeConverter.class,
      defaultValue = "10s",
      description = "how long requests under way may take when stopped; default: ${DEFAULT-VALUE}")
  private Duration grace = Duration.ZERO;

  @Option(
      names = "--watch",
      description = "serve the weights anew when their file changes, without a failed request")
  private boolean watch;

  /** What is served, as its file was. */
  private record Loaded(CompiledModel compiled, List<String> names, FileTime written) {}

  @Override
  public void run() {
    if (port < 0 || port > 65_535) {
      throw new SextantException("port: " + port + " is not from 0 to 65535");
    }
    Loaded loaded = load();
    ModelServer server;
    try (CompiledModel compiled = loaded.compiled) {
      server = ModelServer.start(compiled, loaded.names, limits(compiled), address());
    }
    Runtime.getRuntime().addShutdownHook(new Thread(server::close, "sextant-stop"));
    System.out.printf(
        Locale.ROOT,
        "serving   http://%s:%d/v2/models/%s%n",
        host.contains(":") ? "[" + host + "]" : host,
        server.address().getPort(),
        loaded.compiled.architecture().name());
    System.out.flush();
    serve(server, loaded.written);
  }

  private InetSocketAddress address() {
    InetSocketAddress address = new InetSocketAddress(host, port);
    if (address.isUnresolved()) {
      throw new SextantException("host: there is no address '" + host + "' on this machine");
    }
    return address;
  }

  private ServerLimits limits(CompiledModel compiled) {
    int workers =
        instances == null ? Runtime.getRuntime().availableProcessors() : instances.intValue();
    long body = (long) FLOAT_TEXT * compiled.inputSize() + (1 << 16);
    return new ServerLimits(
        new PoolLimits(workers, waiting, patience), (int) Math.min(1 << 30, body), grace);
  }

  private Loaded load() {
    RunDirectory directory = new RunDirectory(model);
    for (Path file : new Path[] {directory.architecture(), directory.weights()}) {
      if (!Files.isRegularFile(file)) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "%s: holds no trained model (%s is missing)",
                model,
                file.getFileName()));
      }
    }
    FileTime written = written();
    Architecture architecture = Architecture.read(directory.architecture());
    Weights weights = Weights.read(directory.weights());
    List<String> names = ClassNames.of(weights, architecture.classes()).orElse(List.of());
    CompiledModel compiled = CompiledModel.compile(architecture, weights, Device.CPU, 1, batch);
    return new Loaded(compiled, names, written);
  }

  private FileTime written() {
    Path weights = new RunDirectory(model).weights();
    try {
      return Files.getLastModifiedTime(weights);
    } catch (IOException e) {
      throw new SextantException(weights + ": cannot be read: " + e.getMessage(), e);
    }
  }

  /** Until the JVM stops, which closes the server. */
  private void serve(ModelServer server, FileTime first) {
    FileTime served = first;
    while (true) {
      try {
        Thread.sleep(watch ? WATCH_MS : Long.MAX_VALUE);
      } catch (InterruptedException e) {
        server.close();
        return;
      }
      try {
        FileTime now = written();
        if (!now.equals(served)) {
          served = now;
          Loaded loaded = load();
          try (CompiledModel compiled = loaded.compiled) {
            server.replace(compiled, loaded.names);
          }
          System.out.println("replaced  by the weights of " + now);
        }
      } catch (SextantException e) {
        System.out.println("kept      the old weights: " + e.getMessage());
      }
    }
  }
}
