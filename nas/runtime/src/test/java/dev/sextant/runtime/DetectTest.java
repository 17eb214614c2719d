package dev.sextant.runtime;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.sextant.runtime.detection.BoxSelection;
import dev.sextant.runtime.detection.Detections;
import dev.sextant.runtime.detection.Detector;
import dev.sextant.runtime.layer.Conv;
import dev.sextant.runtime.layer.Detect;
import dev.sextant.runtime.layer.GlobalAvgPool;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.Linear;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.SextantException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Networks that look for objects on their way. */
class DetectTest {
  private static final Detect FIRST = new Detect(3, 3, 3, 0.2, 0.5, Activation.RELU6);
  private static final Detect LAST = new Detect(3, 3, 2, 0.5, 0, Activation.RELU);

  private static Architecture network(List<Layer> layers, int classes) {
    return new Architecture("net", classes, new Architecture.Input(20, 24, 3), 1e-3, layers);
  }

  private static Architecture detector() {
    return network(
        List.of(
            new Conv(3, 2, 1, 8, true, Activation.HSWISH),
            new MbConv(3, 2, 3, 16, Activation.RELU6, 0.25, false),
            FIRST,
            new MbConv(5, 2, 2, 24, Activation.RELU6, 0, false),
            LAST),
        3);
  }

  @Test
  void countsByHand() {
    Architecture detector = detector();
    // 5 x 6 pixels of 6 anchors, 3 x 3 of 3; a box, the background and three classes.
    assertEquals((5 * 6 * 6 + 3 * 3 * 3) * 8, detector.outputs());
    long own =
        detector.parameters()
            - network(
                    List.of(
                        detector.layers().get(0),
                        detector.layers().get(1),
                        detector.layers().get(3),
                        new GlobalAvgPool(),
                        new Linear(3)),
                    3)
                .parameters();
    long first = 2 * (9 * 16 + 2 * 16) + (16 + 1) * 6 * 8;
    long last = 2 * (9 * 24 + 2 * 24) + (24 + 1) * 3 * 8;
    assertEquals(first + last - (24 + 1) * 3, own);
    String json = detector.toJson();
    assertEquals(detector, Architecture.parse(json, "again"));
    assertEquals("", Schema.errors(json));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void compiledAsDefined(int batch) {
    Architecture detector = detector();
    Weights weights = CompiledModelTest.trained(WeightNames.of(detector), 5);
    float[] images = CompiledModelTest.images(detector.input().shape(batch).size(), 7);
    float[] predictions = new float[batch * detector.outputs()];
    try (CompiledModel model = CompiledModel.compile(detector, weights, Device.CPU, batch, batch)) {
      model.run(images, predictions);
      if (batch == 1) {
        String message = message(() -> model.classify(new byte[20 * 24 * 3]));
        assertEquals(
            "net: looks for objects, it names no class of an image; use a Detector", message);
      }
    }
    assertArrayEquals(
        ReferenceNetwork.logits(detector, weights, images, batch), predictions, 1e-4f);
  }

  @Test
  void aDetectorFindsWhatItsPredictionsSay() {
    Architecture architecture = detector();
    Weights weights = CompiledModelTest.trained(WeightNames.of(architecture), 5);
    float[] image = CompiledModelTest.images(architecture.input().shape(1).size(), 7);
    BoxSelection.Limits limits = new BoxSelection.Limits(0.2f, 0.5f, 50);
    Detections found = new Detections(20);
    Detections again = new Detections(20);
    try (Detector detector = Detector.compile(architecture, weights, Device.CPU, 1, limits);
        Detector fork = detector.fork()) {
      detector.detect(image, found);
      float[] predictions = ReferenceNetwork.logits(architecture, weights, image, 1);
      new BoxSelection(detector.anchors(), limits).select(predictions, 0, 24, 20, again);
      assertTrue(found.count() > 0, "something is found");
      assertEquals(again.count(), found.count());
      for (int i = 0; i < found.count(); i++) {
        assertEquals(again.label(i), found.label(i));
        assertEquals(again.score(i), found.score(i), 1e-4);
        assertEquals(again.right(i), found.right(i), 1e-3);
      }
      fork.detect(image, again);
      assertEquals(found.score(0), again.score(0));
    }
  }

  @Test
  @Tag("steady-state")
  void aDetectionTakesNothingFromTheHeap() {
    Architecture architecture = detector();
    Weights weights =
        CompiledModelTest.trained(WeightNames.of(architecture), 5)
            .withMetadata(CompiledModel.MEAN, "0,0,0")
            .withMetadata(CompiledModel.DEVIATION, "1,1,1");
    byte[] pixels = new byte[20 * 24 * 3];
    Detections found = new Detections(20);
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    try (Detector detector = Detector.compile(architecture, weights)) {
      long least = Long.MAX_VALUE;
      long end = System.nanoTime() + 120_000_000_000L;
      // Fifteen kernels, each with a handle of less than 256 bytes.
      while (least > 15 * 256 && System.nanoTime() < end) {
        detector.warmUp();
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < 100; i++) {
          detector.detect(pixels, 640, 480, found);
        }
        least = Math.min(least, (threads.getCurrentThreadAllocatedBytes() - before) / 100);
      }
      assertTrue(least <= 15 * 256, least + " bytes a call");
    }
  }

  @Test
  void misuseIsASentence() {
    Conv conv = new Conv(3, 2, 1, 8, true, Activation.RELU);
    assertEquals(
        "net: nothing reads what comes after the last detect",
        message(() -> network(List.of(conv, FIRST, conv), 3)));
    assertEquals(
        "net: detect: is for 3 classes, the network has 4",
        message(() -> network(List.of(conv, FIRST), 4)));
    assertEquals(
        "net: does not look for objects, it has no detect layer",
        message(
            () ->
                Detector.compile(
                    network(List.of(conv, new GlobalAvgPool(), new Linear(2)), 2),
                    Weights.random(
                        network(List.of(conv, new GlobalAvgPool(), new Linear(2)), 2), 1))));
    assertEquals(
        "net: layers[1]: detect: cannot stand in a branch",
        message(
            () ->
                network(
                    List.of(
                        new dev.sextant.runtime.layer.Junction(
                            dev.sextant.runtime.layer.Junction.Kind.FORK),
                        FIRST),
                    3)));
    assertEquals(
        "net: layers[2]: detect: input must be an image [N,H,W,C] (it is [1,8])",
        message(() -> network(List.of(conv, new GlobalAvgPool(), FIRST), 3)));
    assertEquals(
        "detect: ratios 4 is not between 1 and 3",
        message(() -> new Detect(3, 3, 4, 0.2, 0.3, Activation.RELU)));
    List<Layer> other = new ArrayList<>(detector().withInput(detector().input(), 7).layers());
    assertEquals(7, ((Detect) other.getLast()).classes());
    assertEquals(7, ((Detect) other.get(2)).classes());
  }

  private static String message(Runnable runnable) {
    return assertThrows(SextantException.class, runnable::run).getMessage();
  }
}
