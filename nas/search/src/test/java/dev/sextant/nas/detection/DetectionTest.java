package dev.sextant.nas.detection;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.data.Augmentation;
import dev.sextant.nas.data.Batch;
import dev.sextant.nas.data.BatchLoader;
import dev.sextant.nas.data.ClassNames;
import dev.sextant.nas.data.DataFormat;
import dev.sextant.nas.data.DataOptions;
import dev.sextant.nas.data.Datasets;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.data.Images;
import dev.sextant.nas.data.Normalization;
import dev.sextant.nas.data.scene.Scene;
import dev.sextant.nas.method.BatchConfig;
import dev.sextant.nas.method.DescentConfig;
import dev.sextant.nas.method.Regularization;
import dev.sextant.nas.method.TrainingConfig;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.TrainingSetup;
import dev.sextant.nas.search.StopAfter;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.train.Evaluation;
import dev.sextant.nas.train.TrainingRun;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Weights;
import dev.sextant.runtime.detection.BoxSelection;
import dev.sextant.runtime.detection.Detections;
import dev.sextant.runtime.detection.Detector;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Scenes, their batches, and a small detector that learns them. */
class DetectionTest {
  private static final int SIZE = 48;

  @TempDir private Path folder;

  @Test
  void generatedScenesAreTheSameAndTheirBoxesAreTight() {
    ImageDataset scenes = GeneratedScenes.of(40, SIZE);
    ImageDataset again = GeneratedScenes.of(60, SIZE);
    assertEquals(40, scenes.train().count());
    assertEquals(10, scenes.test().count());
    assertEquals(List.of("disc", "rectangle", "triangle", "cross", "grating"), scenes.classNames());
    int objects = 0;
    for (int i = 0; i < scenes.train().count(); i++) {
      Scene scene = scenes.train().scene(i);
      assertEquals(scene, again.train().scene(i));
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
        "built-in scenes: 3 images of 16 pixels; there must be 4, of 32 to 512 pixels, and less"
            + " than 2 GiB in all",
        message);
  }

  @Test
  void scenesAreASourceOfImages() {
    ImageDataset scenes = Datasets.open("scenes:8", DataOptions.DEFAULT.withImageSize(32));
    assertEquals(32, scenes.height());
    assertTrue(scenes.train().hasScenes());
    assertEquals("scenes:8", Datasets.absolute("scenes:8"));
    assertTrue(Datasets.absolute("scenes:x").endsWith("x"), Datasets.absolute("scenes:x"));
    assertEquals(
        "8: images with boxes are no idx, leave --data-format out",
        assertThrows(
                SextantException.class,
                () -> Datasets.open("scenes:8", DataOptions.DEFAULT.withFormat(DataFormat.IDX)))
            .getMessage());
  }

  /** A white box on black: wherever an image is cut and mirrored, its box stays on the white. */
  @ParameterizedTest
  @CsvSource({"imagenet, 40", "cifar, 0", "none, 0"})
  void boxesGoAlongWithTheirPixels(String augmentation, int leastCut) {
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
    Images images = Images.of(SIZE, SIZE, 3, pixels, new int[count]).withScenes(List.of(scenes));
    int cut = 0;
    int mirrored = 0;
    try (BatchLoader loader = loader(images, augmentation);
        BatchLoader again = loader(images, augmentation)) {
      for (int b = 0; b < 20; b++) {
        Batch batch = loader.next();
        assertArrayEquals(batch.pixels(), again.next().pixels());
        for (int i = 0; i < 8; i++) {
          Scene seen = batch.scenes().get(i);
          cut += seen.width() == 2 * SIZE ? 0 : 1;
          mirrored += List.of(scenes).contains(seen) ? 0 : 1;
          Scene.Item item = seen.objects().getFirst();
          double across = (double) SIZE / seen.width();
          double down = (double) SIZE / seen.height();
          double[] white = white(batch.pixels(), i * SIZE * SIZE * 3);
          assertEquals(white[0], item.left() * across, 2.5);
          assertEquals(white[1], item.top() * down, 2.5);
          assertEquals(white[2], item.right() * across, 2.5);
          assertEquals(white[3], item.bottom() * down, 2.5);
        }
      }
    }
    assertTrue(cut >= leastCut, cut + " of 160 images are cut");
    assertEquals(augmentation.equals("none"), mirrored == 0);
  }

  private static BatchLoader loader(Images images, String augmentation) {
    return new BatchLoader(
        images,
        IntStream.range(0, images.count()).toArray(),
        8,
        new Normalization(new float[3], new float[] {1, 1, 1}),
        Augmentation.preset(augmentation, SIZE),
        5,
        true);
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

  private static TrainingSetup setup(Architecture network, int count, int epochs) {
    return new TrainingSetup(
        "scenes:" + count,
        DataOptions.DEFAULT.withImageSize(network.input().height()),
        network,
        new TrainingConfig(
            1,
            epochs,
            0.05,
            new BatchConfig(16, "light", 0),
            DescentConfig.DEFAULT,
            Regularization.NONE),
        Device.CPU,
        2);
  }

  private static ImageDataset images(TrainingSetup setup) {
    return Datasets.open(setup.dataSource(), setup.dataOptions());
  }

  @Test
  void aDetectorLearnsAndRunsCompiled() {
    Architecture network = Space.named("detection-small").derive(new int[8]);
    TrainingSetup setup = setup(network, 512, 8);
    ImageDataset scenes = images(setup);
    RunDirectory directory = RunDirectory.create(folder.resolve("run"));
    double score;
    try (TrainingRun run = TrainingRun.start(directory, setup, scenes, 60, Progress.NONE)) {
      score = run.run();
    }
    Weights weights = Weights.read(directory.weights());
    assertEquals(Optional.of(scenes.classNames()), ClassNames.of(weights, 5));
    Evaluation evaluation = Evaluation.of(network, weights, scenes.test(), Device.CPU, 2);
    assertEquals(score, evaluation.score());
    Evaluation.Objects objects = (Evaluation.Objects) evaluation;
    assertTrue(objects.scoreAtHalf() > 0.1, "mAP at 0.5 is " + objects.scoreAtHalf());
    // A detector, which takes one image at a time, finds the same.
    MeanAveragePrecision alone = new MeanAveragePrecision(scenes.classes());
    Detections found = new Detections(MeanAveragePrecision.MOST);
    try (Detector detector =
        Detector.compile(network, weights, Device.CPU, 1, BoxSelection.Limits.EVALUATION)) {
      byte[] pixels = new byte[scenes.test().imageBytes()];
      for (int i = 0; i < scenes.test().count(); i++) {
        scenes.test().copyPixels(i, pixels, 0);
        detector.detect(pixels, found);
        alone.add(found, scenes.test().scene(i));
      }
      assertEquals("triangle", detector.className(2));
    }
    assertEquals(score, alone.value(), 1e-3);
  }

  /** Stopped after a step and continued, to the same bits. */
  @Test
  void aTrainingGoesOnFromItsCheckpoint() throws Exception {
    Architecture network = Space.named("detection-small").derive(new int[8]);
    TrainingSetup setup = setup(network, 32, 2);
    byte[][] weights = new byte[2][];
    for (int i = 0; i < 2; i++) {
      RunDirectory directory = RunDirectory.create(folder.resolve("run" + i));
      Progress stopping = i == 0 ? Progress.NONE : new StopAfter(3);
      try (TrainingRun run = TrainingRun.start(directory, setup, images(setup), 0, stopping)) {
        run.run();
      } catch (StopAfter.Stopped e) {
        assertEquals(1, i);
        try (TrainingRun run = TrainingRun.resume(directory, 60, Progress.NONE)) {
          run.run();
        }
      }
      weights[i] = Files.readAllBytes(directory.weights());
    }
    assertArrayEquals(weights[0], weights[1]);
  }

  @Test
  void networksAndImagesHaveOneTask() {
    Architecture network = Space.named("detection-small").derive(new int[8]);
    ImageDataset labelled = Datasets.open("builtin:100", DataOptions.DEFAULT.withImageSize(64));
    assertEquals(
        "detection-small: looks for objects, which takes images with boxes (--data scenes:N, or a"
            + " folder of COCO or Pascal VOC)",
        assertThrows(
                SextantException.class,
                () ->
                    TrainingRun.start(
                        RunDirectory.create(folder.resolve("no")),
                        setup(network, 32, 1),
                        labelled,
                        60,
                        Progress.NONE))
            .getMessage());
  }
}
