package dev.sextant.spark;

import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.optim.Sgd;
import dev.sextant.nas.data.Augmentation;
import dev.sextant.nas.data.BatchLoader;
import dev.sextant.nas.data.DataOptions;
import dev.sextant.nas.data.Datasets;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.stage.Passes;
import dev.sextant.nas.stage.Targets;
import dev.sextant.nas.supernet.MultiPathSupernet;
import dev.sextant.nas.workers.Workers;
import dev.sextant.runtime.Architecture;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Backends;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.Rng;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * What workers on one machine take: {@code sums WORKERS}, or {@code steps WORKERS THREADS BATCH} of
 * the search in {@code proxyless-cifar}. Each worker is a process. Not a test: the README has what
 * it said.
 */
final class LoopbackTimes {
  private static final byte[] SECRET = {1};

  private LoopbackTimes() {}

  public static void main(String[] args) throws Exception {
    if (args[0].equals("child")) {
      child(Integer.parseInt(args[1]), Arrays.copyOfRange(args, 2, args.length));
      return;
    }
    int count = Integer.parseInt(args[1]);
    if (count == 1) {
      measure(Workers.ALONE, args);
      return;
    }
    List<Process> children = new ArrayList<>();
    List<BufferedReader> said = new ArrayList<>();
    List<String> addresses = new ArrayList<>();
    for (int rank = 0; rank < count; rank++) {
      List<String> command =
          new ArrayList<>(List.of(ProcessHandle.current().info().command().orElseThrow()));
      command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
      command.addAll(
          List.of(
              "-cp",
              System.getProperty("java.class.path"),
              LoopbackTimes.class.getName(),
              "child"));
      command.add(String.valueOf(rank));
      command.addAll(List.of(args));
      Process process =
          new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
      children.add(process);
      said.add(process.inputReader());
      addresses.add(said.get(rank).readLine());
    }
    for (Process process : children) {
      PrintStream to = new PrintStream(process.getOutputStream(), true);
      addresses.forEach(to::println);
    }
    said.getFirst().lines().forEach(System.out::println);
    for (Process process : children) {
      process.waitFor();
    }
  }

  private static void child(int rank, String[] args) throws Exception {
    try (SocketWorkers.Door door = SocketWorkers.listen("127.0.0.1")) {
      System.out.println(door.address());
      BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
      List<String> addresses = new ArrayList<>();
      for (int i = Integer.parseInt(args[1]); i > 0; i--) {
        addresses.add(in.readLine());
      }
      try (SocketWorkers workers =
          door.connect(rank, addresses, SECRET, SocketWorkers.Limits.DEFAULT)) {
        measure(workers, args);
        workers.meet();
      }
    }
  }

  private static void measure(Workers workers, String[] args) throws IOException {
    if (args[0].equals("sums")) {
      sums(workers);
    } else {
      steps(workers, Integer.parseInt(args[2]), Integer.parseInt(args[3]));
    }
  }

  private static void sums(Workers workers) {
    for (int kib : new int[] {64, 1 << 10, 16 << 10, 64 << 10}) {
      float[] values = new float[kib << 8];
      double[] ms = new double[kib > 8192 ? 15 : 100];
      for (int i = -5; i < ms.length; i++) {
        long start = System.nanoTime();
        workers.sum(values, values.length);
        if (i >= 0) {
          ms[i] = (System.nanoTime() - start) * 1e-6;
        }
      }
      said(workers, String.format(Locale.ROOT, "sum of %d KiB", kib), ms);
    }
  }

  private static void said(Workers workers, String what, double[] ms) {
    if (workers.rank() == 0) {
      Arrays.sort(ms);
      System.out.printf(
          Locale.ROOT,
          "%s: median %.2f ms, least %.2f, most %.2f of %d%n",
          what,
          ms[ms.length / 2],
          ms[0],
          ms[ms.length - 1],
          ms.length);
    }
  }

  private static void steps(Workers workers, int threads, int batch) {
    ImageDataset data =
        Datasets.open(
            "builtin:2000", DataOptions.DEFAULT.withImageSize(32).withColor(DataOptions.Color.RGB));
    Space space =
        Space.named("proxyless-cifar")
            .withInput(
                new Architecture.Input(data.height(), data.width(), data.channels()),
                data.classes());
    int[] all = IntStream.range(0, data.train().count()).toArray();
    double[] ms = new double[12];
    try (Backend backend = Backends.open(Device.parse("cpu"), threads);
        MultiPathSupernet supernet =
            new MultiPathSupernet(space, new Initializer(backend, Rng.of(1)));
        Sgd sgd = new Sgd(backend, supernet.parameters(), new Sgd.Config(0.9f, true, 4e-5f, true));
        BatchLoader loader =
            new BatchLoader(
                data.train(), all, batch, data.normalization(), Augmentation.none(), 1, workers)) {
      Passes passes = Passes.of(backend, space, workers);
      Rng rng = Rng.of(2);
      int[] options = new int[supernet.factoring().counts().length];
      for (int i = -6; i < ms.length; i++) {
        for (int f = 0; f < options.length; f++) {
          options[f] = rng.nextInt(supernet.factoring().counts()[f]);
        }
        supernet.setOptions(options);
        long start = System.nanoTime();
        passes.gradients(
            supernet, loader.next(), supernet.trainingMode(), new Targets(0.1, null, 1, 0));
        sgd.step(0.05);
        if (i >= 0) {
          ms[i] = (System.nanoTime() - start) * 1e-6;
        }
      }
    }
    said(
        workers,
        String.format(
            Locale.ROOT,
            "a step of %d images on %d workers of %d threads",
            batch,
            workers.count(),
            threads),
        ms);
  }
}
