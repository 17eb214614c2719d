package dev.sextant.nas.detection;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.data.ClassNames;
import dev.sextant.nas.data.Images;
import dev.sextant.nas.data.Normalization;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Weights;
import dev.sextant.runtime.detection.BoxSelection;
import dev.sextant.runtime.detection.Detections;
import dev.sextant.runtime.detection.Detector;
import dev.sextant.runtime.layer.Conv;
import dev.sextant.runtime.layer.Detect;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Scenes, their batches, and a small detector that learns them. */
class DetectorTrainingTest {
  private static final int SIZE = 48;

  private static Architecture network(int classes) {
    return new Architecture(
        "small",
        classes,
        new Architecture.Input(SIZE, SIZE, 3),
        1e-3,
        List.of(
            new Conv(3, 2, 1, 16, true, Activation.RELU6),
            new MbConv(3, 2, 3, 24, Activation.RELU6, 0, false),
            new MbConv(3, 2, 3, 32, Activation.RELU6, 0, false),
            new MbConv(3, 1, 3, 32, Activation.RELU6, 0, true),
            new Detect(classes, 3, 2, 0.2, 0.4, Activation.RELU6),
            new MbConv(3, 2, 3, 48, Activation.RELU6, 0, false),
            new Detect(classes, 3, 2, 0.4, 0.7, Activation.RELU6)));
  }

  @Test
  void generatedScenesAreTheSameAndTheirBoxesAreTight() {
    Scenes scenes = GeneratedScenes.of(40, SIZE);
    Scenes again = GeneratedScenes.of(60, SIZE);
    assertEquals(40, scenes.train().scenes().size());
    assertEquals(10, scenes.test().scenes().size());
    assertEquals(scenes.train().scenes(), again.train().scenes().subList(0, 40));
    assertEquals(List.of("disc", "rectangle", "triangle", "cross", "grating"), scenes.classNames());
    int objects = 0;
    for (Scene scene : scenes.train().scenes()) {
      objects += scene.objects().size();
      for (Scene.Item item : scene.objects()) {
        assertTrue(item.left() >= 0 && item.right() <= SIZE, item.toString());
        double box = ((double) item.right() - item.left()) * (item.bottom() - item.top());
        assertTrue(item.area() <= box && item.area() > 0.1 * box, item.toString());
      }
    }
    assertTrue(objects > 60 && objects < 160, objects + " objects");
    String message =
        assertThrows(SextantException.class, () -> GeneratedScenes.of(3, 16)).getMessage();
    assertEquals(
        "built-in scenes: 3 images of 16 pixels; there must be 4, of 32 to 512 pixels", message);
  }

  /** A white box on black: wherever an image is cut and mirrored, its box stays on the white. */
  @Test
  void boxesGoAlongWithTheirPixels() {
    int count = 40;
    byte[] pixels = new byte[count * SIZE * SIZE * 3];
    Rng rng = new Rng(1);
    Scene[] scenes = new Scene[count];
    for (int i = 0; i < count; i++) {
      int left = rng.nextInt(SIZE - 12);
      int top = rng.nextInt(SIZE - 12);
      int right = left + 8 + rng.nextInt(SIZE - left - 8);
      int bottom = top + 8 + rng.nextInt(SIZE - top - 8);
      for (int y = top; y < bottom; y++) {
        for (int x = left; x < right; x++) {
          for (int c = 0; c < 3; c++) {
            pixels[((i * SIZE + y) * SIZE + x) * 3 + c] = (byte) 255;
          }
        }
      }
      // The image was twice as wide before it was stretched.
      scenes[i] =
          new Scene(2 * SIZE, SIZE, List.of(new Scene.Item(0, 2 * left, top, 2 * right, bottom)));
    }
    Scenes.Part part =
        new Scenes.Part(Images.of(SIZE, SIZE, 3, pixels, new int[count]), List.of(scenes));
    Normalization none = new Normalization(new float[3], new float[] {1, 1, 1});
    SceneBatches batches = new SceneBatches(part, none, 8, true, 5);
    assertEquals(5, batches.count());
    int changed = 0;
    for (int epoch = 0; epoch < 4; epoch++) {
      for (int b = 0; b < batches.count(); b++) {
        batches.fill(epoch, b);
        for (int i = 0; i < 8; i++) {
          Scene seen = batches.scenes().get(i);
          changed += seen.width() == 2 * SIZE ? 0 : 1;
          Scene.Item item = seen.objects().getFirst();
          double across = (double) SIZE / seen.width();
          double down = (double) SIZE / seen.height();
          double[] white = white(batches.pixels(), i * SIZE * SIZE * 3);
          assertEquals(white[0], item.left() * across, 2.5);
          assertEquals(white[1], item.top() * down, 2.5);
          assertEquals(white[2], item.right() * across, 2.5);
          assertEquals(white[3], item.bottom() * down, 2.5);
        }
      }
    }
    assertTrue(changed > 40, changed + " of 160 images are cut");
    float[] first = first(new SceneBatches(part, none, 8, true, 5));
    assertArrayEquals(first, first(new SceneBatches(part, none, 8, true, 5)));
  }

  private static float[] first(SceneBatches batches) {
    batches.fill(2, 1);
    return batches.pixels().clone();
  }

  /** The edges of what is bright. */
  private static double[] white(float[] pixels, int at) {
    double[] edges = {SIZE, SIZE, 0, 0};
    float most = 0;
    for (int i = 0; i < SIZE * SIZE; i++) {
      most = Math.max(most, pixels[at + 3 * i + 1]);
    }
    for (int i = 0; i < SIZE * SIZE; i++) {
      if (pixels[at + 3 * i + 1] > most / 2) {
        edges[0] = Math.min(edges[0], i % SIZE);
        edges[1] = Math.min(edges[1], i / SIZE);
        edges[2] = Math.max(edges[2], i % SIZE + 1);
        edges[3] = Math.max(edges[3], i / SIZE + 1);
      }
    }
    return edges;
  }

  @Test
  void aDetectorLearnsAndRunsCompiled() {
    Scenes scenes = GeneratedScenes.of(256, SIZE);
    Architecture network = network(scenes.classNames().size());
    DetectorTraining.Config config = new DetectorTraining.Config(12, 32, 0.1, 1e-4, 1);
    Weights weights;
    MeanAveragePrecision trained;
    try (Backend backend = Backend.cpu(2)) {
      try (DetectorTraining training = new DetectorTraining(network, scenes, backend, config)) {
        double untrained = training.evaluate().value(0.5);
        assertTrue(untrained < 0.01, "mAP at 0.5 is " + untrained + " before it learns");
        double before = training.step();
        double after = 0;
        while (training.done() < training.steps()) {
          after = training.step();
        }
        trained = training.evaluate();
        weights = training.trained();
        assertEquals(Optional.of(scenes.classNames()), ClassNames.of(weights.metadata(), 5));
        assertTrue(after < 0.6 * before, before + " to " + after);
        assertTrue(trained.value(0.5) > 0.02, "mAP at 0.5 is " + trained.value(0.5));
      }
      assertEquals(0, backend.memory().current());
    }
    // The compiled network finds the same.
    MeanAveragePrecision compiled = new MeanAveragePrecision(scenes.classNames().size());
    Detections found = new Detections(MeanAveragePrecision.MOST);
    try (Detector detector =
        Detector.compile(network, weights, Device.CPU, 1, BoxSelection.Limits.EVALUATION)) {
      byte[] pixels = new byte[SIZE * SIZE * 3];
      for (int i = 0; i < scenes.test().scenes().size(); i++) {
        scenes.test().images().copyPixels(i, pixels, 0);
        detector.detect(pixels, found);
        compiled.add(found, scenes.test().scenes().get(i));
      }
    }
    assertEquals(trained.value(), compiled.value(), 1e-3);
  }

  @Test
  void theSameSeedGivesTheSameBits() {
    Scenes scenes = GeneratedScenes.of(32, SIZE);
    DetectorTraining.Config config = new DetectorTraining.Config(1, 16, 0.1, 1e-4, 7);
    float[][] weights = new float[2][];
    for (int i = 0; i < 2; i++) {
      try (Backend backend = Backend.cpu(2);
          DetectorTraining training = new DetectorTraining(network(5), scenes, backend, config)) {
        while (training.done() < training.steps()) {
          training.step();
        }
        weights[i] = training.trained().get("layers.6.class.weight").values();
      }
    }
    assertArrayEquals(weights[0], weights[1]);
    try (Backend backend = Backend.cpu(1)) {
      String message =
          assertThrows(
                  SextantException.class,
                  () -> new DetectorTraining(network(4), scenes, backend, config))
              .getMessage();
      assertEquals(
          "scenes:32: images of 48x48x3 with objects of 5 classes do not fit the network small",
          message);
    }
  }
}
