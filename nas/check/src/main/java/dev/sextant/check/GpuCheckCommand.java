package dev.sextant.check;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.sextant.cli.Main;
import dev.sextant.kernels.cuda.CudaBackend;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Architectures;
import dev.sextant.runtime.AtomicFile;
import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.BackendProvider;
import dev.sextant.tensor.Backends;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code sextant gpu-check}. */
@Command(
    name = "gpu-check",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description =
        "Runs the contract suite, the gradient checks, a small search, the kernels and whole steps"
            + " of supernets on a device, and writes what it found as gpu-check.json and"
            + " gpu-check.txt. Ends with status 1 if something is wrong.")
final class GpuCheckCommand implements Callable<Integer> {
  private static final Gson GSON =
      new GsonBuilder().setPrettyPrinting().serializeSpecialFloatingPointValues().create();

  /** Of logits on the device beside those of the CPU, relative to the largest. */
  private static final double TOLERANCE = 1e-4;

  /** What can be run. */
  private enum Part {
    CONTRACT,
    GRADIENTS,
    MODELS,
    SEARCH,
    KERNELS,
    STEPS
  }

  @Option(
      names = "--device",
      defaultValue = "cuda",
      description = "cuda or cuda:1; default: ${DEFAULT-VALUE}")
  private String device = "";

  @Option(
      names = "--out",
      defaultValue = ".",
      paramLabel = "DIR",
      description = "where the two reports go; default: here")
  private Path out = Path.of("");

  @Option(
      names = "--only",
      split = ",",
      paramLabel = "PART",
      description = "some of ${COMPLETION-CANDIDATES}; default: all")
  private Set<Part> only = EnumSet.allOf(Part.class);

  @Option(
      names = "--quick",
      description = "tiny operands, each once: whether everything runs, not how fast")
  private boolean quick;

  private final JsonObject report = new JsonObject();
  private Device target = Device.CPU;
  private boolean good = true;

  @Override
  public Integer call() throws IOException {
    target = Device.parse(device);
    try (Backend backend = Backends.open(target, 1)) {
      describe(backend.description());
    }
    Files.createDirectories(out);
    // The reports are written after each part: a device lost in one leaves those before it.
    run(
        Part.CONTRACT,
        () ->
            CheckSuite.run(
                target,
                "dev.sextant.tensor.OpenedDeviceContract",
                "dev.sextant.tensor.OpenedDeviceAlignedContract"));
    run(Part.GRADIENTS, () -> CheckSuite.run(target, "dev.sextant.autograd.ops.OpTableTest"));
    run(Part.MODELS, this::models);
    run(Part.KERNELS, this::kernels);
    run(Part.STEPS, this::steps);
    run(Part.SEARCH, this::search);
    System.out.print(Files.readString(out.resolve("gpu-check.txt")));
    return good ? 0 : 1;
  }

  private interface PartCheck {
    JsonElement run() throws IOException;
  }

  private void run(Part part, PartCheck check) throws IOException {
    if (!only.contains(part)) {
      return;
    }
    String name = part.name().toLowerCase(Locale.ROOT);
    System.out.println("gpu-check: " + name);
    long start = System.nanoTime();
    try {
      JsonElement result = check.run();
      report.add(name, result);
      if (result.isJsonObject() && result.getAsJsonObject().has("failures")) {
        good &= result.getAsJsonObject().getAsJsonArray("failures").isEmpty();
      }
    } catch (SextantException e) {
      JsonObject failed = new JsonObject();
      failed.addProperty("error", e.getMessage());
      report.add(name, failed);
      good = false;
    }
    report.getAsJsonObject("seconds").addProperty(name, (System.nanoTime() - start) * 1e-9);
    AtomicFile.write(out.resolve("gpu-check.json"), GSON.toJson(report) + "\n");
    AtomicFile.write(out.resolve("gpu-check.txt"), CheckReport.text(report));
  }

  private void describe(String description) {
    report.addProperty("format", "sextant-gpu-check/1");
    report.addProperty("time", Instant.now().toString());
    report.addProperty("device", target.toString());
    report.addProperty("description", description);
    report.addProperty("java", System.getProperty("java.version"));
    report.addProperty(
        "system", System.getProperty("os.name") + " " + System.getProperty("os.version"));
    report.addProperty("processors", Runtime.getRuntime().availableProcessors());
    report.addProperty("quick", quick);
    report.add("seconds", new JsonObject());
    System.out.println("gpu-check: " + target + ": " + description);
  }

  /** Compiled networks beside the CPU's. */
  private JsonObject models() {
    JsonObject result = new JsonObject();
    JsonArray failures = new JsonArray();
    List<String> names =
        quick
            ? List.of("proxyless-mobile")
            : List.of("proxyless-mobile", "proxyless-gpu", "mnasnet-b1", "darts-v2");
    for (String name : names) {
      Architecture network = Architectures.named(name);
      if (quick) {
        Architecture.Input input = network.input();
        network = network.withInput(new Architecture.Input(32, 32, input.channels()), 10);
      }
      double error = error(network);
      result.addProperty(name, error);
      if (!(error <= TOLERANCE)) {
        failures.add(
            String.format(Locale.ROOT, "%s: logits differ by %s of the largest", name, error));
      }
    }
    result.add("failures", failures);
    return result;
  }

  private double error(Architecture network) {
    Weights weights = Weights.random(network, 5);
    Architecture.Input input = network.input();
    float[] images = new float[input.height() * input.width() * input.channels()];
    Rng rng = new Rng(6);
    for (int i = 0; i < images.length; i++) {
      images[i] = (float) rng.nextGaussian();
    }
    float[] expected = new float[network.classes()];
    float[] actual = new float[network.classes()];
    try (CompiledModel model = CompiledModel.compile(network, weights)) {
      model.run(images, expected);
    }
    try (CompiledModel model = CompiledModel.compile(network, weights, target, 1, 1)) {
      model.run(images, actual);
      model.run(images, actual);
    }
    double largest = 0;
    double difference = 0;
    for (int i = 0; i < expected.length; i++) {
      largest = Math.max(largest, Math.abs(expected[i]));
      difference = Math.max(difference, Math.abs(expected[i] - actual[i]));
    }
    return difference / largest;
  }

  /** A complete search on built-in images, its network measured on the device. */
  private JsonObject search() throws IOException {
    Path run = Files.createTempDirectory("sextant-gpu-check").resolve("run");
    int status =
        Main.execute(
            List.of(),
            "search",
            "--device=" + target,
            "--data=builtin:" + (quick ? 40 : 2000),
            "--cost=macs",
            "--budget=3M",
            "--ceiling",
            "--batch=" + (quick ? 8 : 64),
            "--epochs=" + (quick ? 1 : 4),
            "--warmup-epochs=" + (quick ? 1 : 2),
            "--retrain-epochs=" + (quick ? 1 : 6),
            "--architecture-rate=0.1",
            "--random-samples=0",
            "--out=" + run);
    JsonObject result = new JsonObject();
    JsonArray failures = new JsonArray();
    result.addProperty("status", status);
    if (status == 0) {
      result.add("result", JsonParser.parseString(Files.readString(run.resolve("result.json"))));
    } else {
      failures.add("search ended with status " + status);
    }
    result.add("failures", failures);
    return result;
  }

  private JsonArray kernels() {
    JsonArray results = new JsonArray();
    for (BackendProvider provider : ServiceLoader.load(BackendProvider.class)) {
      if (!provider.kind().equals(target.kind())) {
        continue;
      }
      try (Backend opened = provider.open(target, 1)) {
        if (opened instanceof CudaBackend backend) {
          KernelTiming.run(backend, quick).forEach(time -> add(time, results));
        }
      }
    }
    return results;
  }

  private static void add(KernelTiming.KernelTime time, JsonArray results) {
    double bandwidth = time.bytes() / time.ms() * 1e-6;
    double copy =
        results.isEmpty()
            ? bandwidth
            : results.get(0).getAsJsonObject().get("gigabytesPerSecond").getAsDouble();
    JsonObject result = new JsonObject();
    result.addProperty("work", time.work());
    result.add("kernels", GSON.toJsonTree(time.kernels()));
    result.addProperty("ms", time.ms());
    result.addProperty("bytes", time.bytes());
    result.addProperty("flops", time.flops());
    result.addProperty("gigabytesPerSecond", bandwidth);
    result.addProperty("gigaflopsPerSecond", time.flops() / time.ms() * 1e-6);
    result.addProperty("shareOfCopy", bandwidth / copy);
    results.add(result);
  }

  private JsonArray steps() {
    JsonArray results = new JsonArray();
    try (Backend backend = Backends.open(target, 1)) {
      if (quick) {
        Space tiny = Space.named("proxyless-small").withInput(new Architecture.Input(8, 8, 3), 10);
        SupernetSteps.gated(backend, tiny, 2, true, results);
        SupernetSteps.averaged(backend, tiny, 2, true, results);
        return results;
      }
      for (int batch : new int[] {64, 256, 1024}) {
        SupernetSteps.gated(backend, Space.named("proxyless-cifar"), batch, false, results);
        backend.memory().trim();
      }
      SupernetSteps.gated(backend, Space.named("proxyless-imagenet"), 64, false, results);
      backend.memory().trim();
      SupernetSteps.averaged(backend, Space.named("tunas-proxyless"), 16, false, results);
    }
    return results;
  }
}
