package dev.sextant.runtime.service;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.CompiledModel.Order;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.Rng;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Eight threads ask a pool without a pause while its model is compiled anew and replaced. {@code
 * -Dsextant.soak.seconds=600} makes it long: the model is then replaced every five seconds.
 */
@Tag("long")
class SoakTest {
  private static final int CLIENTS = 8;
  private static final int SECONDS = Integer.getInteger("sextant.soak.seconds", 3);
  private static final int REPLACEMENTS = Math.max(6, SECONDS / 5);

  private static final Architecture NETWORK =
      Architecture.parse(
          """
          {"format": "sextant-architecture/1", "name": "tiny", "classes": 10,
           "input": {"height": 28, "width": 28, "channels": 1},
           "layers": [
             {"op": "conv", "kernel": 3, "stride": 2, "out": 16, "norm": "batch", "act": "relu6"},
             {"op": "mbconv", "kernel": 3, "expand": 3, "stride": 2, "out": 32},
             {"op": "global-avg-pool"}, {"op": "linear", "out": 10}]}
          """,
          "tiny");

  private final AtomicBoolean stop = new AtomicBoolean();
  private final LongAdder answers = new LongAdder();

  private static CompiledModel model(int seed) {
    return CompiledModel.compile(NETWORK, Weights.random(NETWORK, seed));
  }

  private static long usedAfterCollection() throws InterruptedException {
    long least = Long.MAX_VALUE;
    for (int i = 0; i < 3; i++) {
      System.gc();
      Thread.sleep(20);
      least = Math.min(least, ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed());
    }
    return least;
  }

  private static byte[] image() {
    byte[] pixels = new byte[28 * 28];
    Rng rng = new Rng(5);
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) rng.nextInt(256);
    }
    return pixels;
  }

  private void ask(ModelPool pool, byte[] pixels, List<float[]> expected) {
    float[] logits = new float[10];
    MemorySegment image = MemorySegment.ofArray(pixels);
    MemorySegment answer = MemorySegment.ofArray(logits);
    while (!stop.get()) {
      Arrays.fill(logits, Float.NaN);
      pool.runPixels(image, Order.CHANNELS_LAST, answer);
      assertTrue(
          expected.stream().anyMatch(each -> Arrays.equals(each, logits)),
          () -> "neither model's: " + Arrays.toString(logits));
      answers.increment();
    }
  }

  private static void replace(ModelPool pool, int seed) {
    try (CompiledModel next = model(seed)) {
      pool.replace(next, List.of());
    }
  }

  @Test
  void nothingFailsAndNothingGrowsWhileModelsAreReplaced() throws Exception {
    byte[] pixels = image();
    List<float[]> expected = new ArrayList<>();
    for (int seed = 0; seed < 2; seed++) {
      try (CompiledModel model = model(seed)) {
        float[] logits = new float[10];
        model.runPixels(pixels, logits);
        expected.add(logits);
      }
    }
    try (CompiledModel first = model(0);
        ModelPool pool = new ModelPool(first, List.of(), PoolLimits.of(2, Duration.ofMinutes(1)));
        ExecutorService clients = Executors.newFixedThreadPool(CLIENTS)) {
      List<Future<?>> ends = new ArrayList<>();
      for (int i = 0; i < CLIENTS; i++) {
        ends.add(clients.submit(() -> ask(pool, pixels, expected)));
      }
      // Classes are loaded and kernels compiled by the first rounds.
      replace(pool, 1);
      replace(pool, 0);
      long before = usedAfterCollection();
      int threads = Thread.getAllStackTraces().size();
      long start = System.nanoTime();
      for (int i = 1; i <= REPLACEMENTS; i++) {
        replace(pool, i % 2);
        long next = start + i * (SECONDS * 1_000_000_000L) / REPLACEMENTS;
        Thread.sleep(Duration.ofNanos(Math.max(0, next - System.nanoTime())));
      }
      long after = usedAfterCollection();
      assertEquals(threads, Thread.getAllStackTraces().size(), 2);
      stop.set(true);
      for (Future<?> end : ends) {
        end.get();
      }
      System.out.printf(
          Locale.ROOT,
          "soak: %d answers by %d threads in %.1f s, %d models, heap %.1f -> %.1f MB, threads %d%n",
          answers.sum(),
          CLIENTS,
          (System.nanoTime() - start) / 1e9,
          REPLACEMENTS,
          before / 1e6,
          after / 1e6,
          threads);
      assertTrue(after < before + 8_000_000, before + " -> " + after + " bytes");
      float[] last = new float[10];
      MemorySegment image = MemorySegment.ofArray(pixels);
      pool.runPixels(image, Order.CHANNELS_LAST, MemorySegment.ofArray(last));
      assertArrayEquals(expected.get(REPLACEMENTS % 2), last);
    }
  }
}
