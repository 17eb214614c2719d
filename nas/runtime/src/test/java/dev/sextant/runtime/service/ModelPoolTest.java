package dev.sextant.runtime.service;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.CompiledModel.Order;
import dev.sextant.runtime.Weights;
import dev.sextant.runtime.image.Pixels;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;

class ModelPoolTest {
  private static final Architecture NETWORK =
      Architecture.parse(
          """
          {"format": "sextant-architecture/1", "name": "tiny", "classes": 3,
           "input": {"height": 9, "width": 8, "channels": 3},
           "layers": [
             {"op": "conv", "kernel": 3, "stride": 2, "out": 8, "norm": "batch", "act": "relu6"},
             {"op": "mbconv", "kernel": 3, "expand": 3, "stride": 2, "out": 16},
             {"op": "global-avg-pool"}, {"op": "linear", "out": 3}]}
          """,
          "tiny");

  private static final List<String> NAMES = List.of("ant", "bee", "cat");
  private static final int IMAGE = 9 * 8 * 3;

  private static CompiledModel model(long seed, int batch) {
    Weights weights =
        Weights.random(NETWORK, seed)
            .withMetadata(CompiledModel.MEAN, "0,0,0")
            .withMetadata(CompiledModel.DEVIATION, "1,1,1");
    return CompiledModel.compile(NETWORK, weights, Device.CPU, 1, batch);
  }

  private static byte[] pixels(long seed, int images) {
    Rng rng = new Rng(seed);
    byte[] pixels = new byte[images * IMAGE];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) rng.nextInt(256);
    }
    return pixels;
  }

  /** {@code [n, pixels, 3]} as {@code [n, 3, pixels]}. */
  private static int planar(int i) {
    int image = i / IMAGE;
    int pixel = i % IMAGE / 3;
    return image * IMAGE + i % 3 * (IMAGE / 3) + pixel;
  }

  @Test
  void everyKindOfInputGivesTheSameLogits() {
    int images = 2;
    byte[] pixels = pixels(1, images);
    byte[] planes = new byte[pixels.length];
    float[] floats = new float[pixels.length];
    float[] floatPlanes = new float[pixels.length];
    for (int i = 0; i < pixels.length; i++) {
      planes[planar(i)] = pixels[i];
      floats[i] = (float) (Byte.toUnsignedInt(pixels[i]) / 255.0);
      floatPlanes[planar(i)] = floats[i];
    }
    ByteBuffer direct = ByteBuffer.allocateDirect(4 * floats.length).order(ByteOrder.nativeOrder());
    direct.asFloatBuffer().put(floats);
    FloatBuffer heap = FloatBuffer.wrap(floatPlanes);
    try (CompiledModel model = model(1, 3);
        Arena arena = Arena.ofConfined()) {
      float[] all = new float[3 * 3];
      byte[] three = java.util.Arrays.copyOf(pixels, 3 * IMAGE);
      model.runPixels(three, all);
      float[] expected = java.util.Arrays.copyOf(all, 2 * 3);
      MemorySegment nativeImages = arena.allocateFrom(ValueLayout.JAVA_FLOAT, floats);
      List<MemorySegment> lists =
          List.of(MemorySegment.ofArray(floats), MemorySegment.ofBuffer(direct), nativeImages);
      float[] logits = new float[2 * 3];
      for (MemorySegment each : lists) {
        java.util.Arrays.fill(logits, Float.NaN);
        model.run(each, Order.CHANNELS_LAST, MemorySegment.ofArray(logits));
        assertArrayEquals(expected, logits);
      }
      model.run(MemorySegment.ofBuffer(heap), Order.PLANAR, MemorySegment.ofArray(logits));
      assertArrayEquals(expected, logits);
      java.util.Arrays.fill(logits, Float.NaN);
      model.runPixels(
          MemorySegment.ofArray(pixels), Order.CHANNELS_LAST, MemorySegment.ofArray(logits));
      assertArrayEquals(expected, logits);
      java.util.Arrays.fill(logits, Float.NaN);
      FloatBuffer answer = FloatBuffer.wrap(logits);
      model.runPixels(MemorySegment.ofArray(planes), Order.PLANAR, MemorySegment.ofBuffer(answer));
      assertArrayEquals(expected, logits);
    }
  }

  @Test
  void misuseIsASentence() {
    try (CompiledModel model = model(1, 2)) {
      MemorySegment logits = MemorySegment.ofArray(new float[3]);
      MemorySegment three = MemorySegment.ofArray(pixels(1, 3));
      assertMessage(
          "pixels has 648 bytes, needs 216 for an image, of which there may be 1 to 2",
          () -> model.runPixels(three, Order.PLANAR, logits));
      MemorySegment two = MemorySegment.ofArray(pixels(1, 2));
      assertMessage(
          "logits has 12 bytes, needs 24 for 2 images",
          () -> model.runPixels(two, Order.PLANAR, logits));
      assertMessage(
          "2 names for the 3 classes of tiny",
          () -> new ModelPool(model, List.of("a", "b"), PoolLimits.of(1, Duration.ZERO)));
      assertMessage(
          "0 instances", () -> new ModelPool(model, NAMES, PoolLimits.of(0, Duration.ZERO)));
      ModelPool pool = new ModelPool(model, NAMES, PoolLimits.of(1, Duration.ZERO));
      MemorySegment one = MemorySegment.ofArray(pixels(1, 1));
      assertMessage("the likeliest 0 classes", () -> pool.classify(one, Order.PLANAR, 0));
      pool.close();
      pool.close();
      assertMessage("pool: is closed", () -> pool.classify(one, Order.PLANAR, 1));
      assertMessage("pool: is closed", () -> pool.replace(model, NAMES));
    }
  }

  @Test
  @SuppressWarnings("NullAway") // callers whose nullness nobody checks
  void whatIsNullOrOutOfReachIsNamed() throws Exception {
    MemorySegment logits = MemorySegment.ofArray(new float[3]);
    MemorySegment one = MemorySegment.ofArray(pixels(1, 1));
    try (CompiledModel model = model(1, 1);
        ModelPool pool = new ModelPool(model, NAMES, PoolLimits.of(1, Duration.ZERO))) {
      assertMessage("images is null", () -> model.run(null, new float[3]));
      assertMessage("logits is null", () -> model.run(new float[IMAGE], null));
      assertMessage("pixels is null", () -> model.runPixels(null, new float[3]));
      assertMessage("pixels is null", () -> model.classify(null));
      assertMessage("pixels is null", () -> model.runPixels(null, Order.PLANAR, logits));
      assertMessage("order is null", () -> model.runPixels(one, null, logits));
      assertMessage("logits is null", () -> model.runPixels(one, Order.PLANAR, null));
      assertMessage(
          "that cannot be written", () -> model.runPixels(one, Order.PLANAR, logits.asReadOnly()));
      assertMessage("weights is null", () -> CompiledModel.compile(NETWORK, null));
      assertMessage(
          "architecture is null", () -> CompiledModel.compile(null, Weights.random(NETWORK, 1)));
      assertMessage("pixels is null", () -> pool.classify(null, Order.PLANAR, 1));
      assertMessage("image is null", () -> pool.classify(null, 1));
      assertMessage("class names is null", () -> pool.replace(model, null));
      assertMessage("limits or listener", () -> new ModelPool(model, NAMES, null));
      MemorySegment freed;
      try (Arena arena = Arena.ofConfined()) {
        freed = arena.allocate(IMAGE);
        MemorySegment others = freed;
        try (ExecutorService thread = Executors.newSingleThreadExecutor()) {
          thread
              .submit(
                  () ->
                      assertMessage(
                          "pixels belongs to another thread",
                          () -> model.runPixels(others, Order.PLANAR, logits)))
              .get();
        }
      }
      assertMessage(
          "the memory of pixels is closed", () -> model.runPixels(freed, Order.PLANAR, logits));
      assertEquals(3, pool.classify(one, Order.PLANAR, 3).size());
    }
    CompiledModel closed = model(1, 1);
    closed.close();
    assertMessage("model: is closed", () -> closed.classify(new byte[IMAGE]));
  }

  /** As many as may wait; the rest at once. */
  @Test
  void theQueueHasAnEndAndEachRequestIsTold() throws Exception {
    Map<RequestListener.Outcome, LongAdder> told = new ConcurrentHashMap<>();
    RequestListener listener =
        (model, outcome, queued, total) -> {
          assertEquals("tiny", model);
          assertTrue(queued >= 0 && queued <= total, queued + " of " + total);
          told.computeIfAbsent(outcome, key -> new LongAdder()).increment();
        };
    PoolLimits limits = new PoolLimits(1, 0, Duration.ofMinutes(1));
    int requests = 400;
    try (CompiledModel model = model(1, 1);
        ModelPool pool = new ModelPool(model, NAMES, limits, listener);
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      MemorySegment image = MemorySegment.ofArray(pixels(1, 1));
      Pixels any = new Pixels(20, 30, 1, new byte[600]);
      List<Future<Boolean>> clients = new ArrayList<>();
      for (int i = 0; i < requests; i++) {
        boolean fitted = i % 2 == 0;
        clients.add(
            threads.submit(
                () -> {
                  try {
                    return 3
                        == (fitted ? pool.classify(any, 3) : pool.classify(image, Order.PLANAR, 3))
                            .size();
                  } catch (OverloadException e) {
                    return false;
                  }
                }));
      }
      int answered = 0;
      for (Future<Boolean> client : clients) {
        answered += client.get() ? 1 : 0;
      }
      assertThrows(SextantException.class, () -> pool.classify(image.asSlice(1), Order.PLANAR, 3));
      assertTrue(answered > 0);
      assertEquals(answered, count(told, RequestListener.Outcome.ANSWERED));
      assertEquals(requests - answered, count(told, RequestListener.Outcome.OVERLOADED));
      assertEquals(1, count(told, RequestListener.Outcome.FAILED));
      assertEquals(0, pool.waiting());
    }
  }

  private static long count(
      Map<RequestListener.Outcome, LongAdder> told, RequestListener.Outcome outcome) {
    return told.getOrDefault(outcome, new LongAdder()).sum();
  }

  @Test
  void flightRecorderIsToldOfLoadingCompilingAndRequests() throws Exception {
    Path file = Files.createTempFile("weights", ".safetensors");
    Path recorded = Files.createTempFile("events", ".jfr");
    try (Recording recording = new Recording()) {
      recording.enable("dev.sextant.Load").withThreshold(Duration.ZERO);
      recording.enable("dev.sextant.Compile").withThreshold(Duration.ZERO);
      recording.enable("dev.sextant.Request").withThreshold(Duration.ZERO);
      recording.start();
      Weights.random(NETWORK, 1).write(file);
      try (CompiledModel model = CompiledModel.compile(NETWORK, Weights.read(file));
          ModelPool pool = new ModelPool(model, NAMES, PoolLimits.of(1, Duration.ofSeconds(9)))) {
        pool.classify(MemorySegment.ofArray(pixels(1, 1)), Order.PLANAR, 1);
      }
      recording.stop();
      recording.dump(recorded);
      Map<String, RecordedEvent> events = new HashMap<>();
      RecordingFile.readAllEvents(recorded)
          .forEach(event -> events.put(event.getEventType().getName(), event));
      assertEquals(file.toString(), events.get("dev.sextant.Load").getString("file"));
      assertEquals("tiny", events.get("dev.sextant.Compile").getString("model"));
      assertEquals("ANSWERED", events.get("dev.sextant.Request").getString("outcome"));
      assertTrue(events.get("dev.sextant.Request").getLong("queued") > 0);
    } finally {
      Files.delete(file);
      Files.delete(recorded);
    }
  }

  private static void assertMessage(String part, Runnable call) {
    String message = assertThrows(SextantException.class, call::run).getMessage();
    assertTrue(String.valueOf(message).contains(part), message);
  }

  @Test
  void theLikeliestComeFirstWithTheirNames() {
    List<Prediction> top = Prediction.top(new float[] {1, 3, 3, 0}, List.of(), 9);
    assertEquals(List.of(1, 2, 0, 3), top.stream().map(Prediction::label).toList());
    assertEquals("1", top.getFirst().name());
    assertEquals(1, top.stream().mapToDouble(Prediction::probability).sum(), 1e-12);
    double likeliest = 1 / (2 + Math.exp(-2) + Math.exp(-3));
    assertEquals(likeliest, top.getFirst().probability(), 1e-12);
    assertEquals("bee", Prediction.top(new float[] {1, 3, 2}, NAMES, 1).getFirst().name());
  }

  /** A request that is given no time fails while the only instance is at work. */
  @Test
  void overloadIsRefusedInTime() throws Exception {
    try (CompiledModel model = model(1, 1);
        ModelPool pool = new ModelPool(model, NAMES, PoolLimits.of(1, Duration.ofMillis(1)));
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      AtomicBoolean stop = new AtomicBoolean();
      MemorySegment image = MemorySegment.ofArray(pixels(1, 1));
      List<Future<Integer>> clients = new ArrayList<>();
      for (int i = 0; i < 32; i++) {
        clients.add(threads.submit(() -> refused(pool, image, stop)));
      }
      Thread.sleep(300);
      stop.set(true);
      int refused = 0;
      for (Future<Integer> client : clients) {
        refused += client.get();
      }
      // The pool works on: what was refused took no instance away.
      assertEquals(3, pool.classify(image, Order.CHANNELS_LAST, 3).size());
      System.out.println("pool: " + refused + " requests refused");
    }
  }

  private static int refused(ModelPool pool, MemorySegment image, AtomicBoolean stop) {
    int refused = 0;
    while (!stop.get()) {
      try {
        pool.classify(image, Order.CHANNELS_LAST, 1);
      } catch (OverloadException e) {
        refused++;
      }
    }
    return refused;
  }

  @Test
  void modelsAreReplacedWithoutAFailedRequest() throws Exception {
    try (CompiledModel first = model(1, 1);
        CompiledModel second = model(2, 1);
        ModelPool pool = new ModelPool(first, NAMES, PoolLimits.of(2, Duration.ofSeconds(10)));
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      byte[] pixels = pixels(3, 1);
      MemorySegment image = MemorySegment.ofArray(pixels);
      float[][] expected = new float[2][3];
      first.runPixels(pixels, expected[0]);
      second.runPixels(pixels, expected[1]);
      AtomicBoolean stop = new AtomicBoolean();
      List<Future<Integer>> clients = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        clients.add(
            threads.submit(
                () -> {
                  int answers = 0;
                  double likeliest = -1;
                  while (!stop.get() || answers == 0) {
                    Prediction best = pool.classify(image, Order.CHANNELS_LAST, 1).getFirst();
                    likeliest = best.probability();
                    assertTrue(
                        List.of(top(expected[0]), top(expected[1])).contains(best),
                        () -> "neither model's: " + best);
                    answers++;
                  }
                  return likeliest > 0 ? answers : 0;
                }));
      }
      for (int i = 0; i < 6; i++) {
        pool.replace(i % 2 == 0 ? second : first, NAMES);
      }
      stop.set(true);
      for (Future<Integer> client : clients) {
        assertTrue(client.get() > 0);
      }
      assertEquals(top(expected[0]), pool.classify(image, Order.CHANNELS_LAST, 1).getFirst());
    }
  }

  private static Prediction top(float[] logits) {
    return Prediction.top(logits, NAMES, 1).getFirst();
  }
}
