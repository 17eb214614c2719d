package dev.sextant.nas.stage;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.data.Images;
import dev.sextant.nas.method.BatchConfig;
import dev.sextant.nas.method.DescentConfig;
import dev.sextant.nas.method.Regularization;
import dev.sextant.nas.method.TrainingConfig;
import dev.sextant.nas.run.StageName;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.CompiledModel;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Memory.Scope;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A network that learns from another one's logits, in memory or compiled. */
final class TeacherTest {
  private static final int SIZE = 8;
  private static final int BATCH = 4;
  private static final int IMAGES = 4000;
  private static final int CLASSES = 10;

  @Test
  void aCompiledTeacherAnswersAsTheNetworkItWasMadeFrom() {
    try (Backend backend = Backend.cpu(2);
        TrainingStage large = stage(backend, 5, noise(0))) {
      run(large, 6);
      try (CompiledModel model = compiled(large, BATCH);
          Scope _ = backend.memory().scope()) {
        float[] inMemory = answer(backend, Teacher.evaluating(backend, large.network()));
        assertArrayEquals(inMemory, answer(backend, Teacher.compiled(backend, model)), 1e-4f);
        assertTrue(Math.abs(inMemory[0] - inMemory[1]) > 1e-3, "all logits are alike");
      }
      try (CompiledModel single = compiled(large, 1);
          Scope _ = backend.memory().scope()) {
        Teacher wrong = Teacher.compiled(backend, single);
        String message =
            assertThrows(SextantException.class, () -> answer(backend, wrong)).getMessage();
        assertEquals(
            "teacher: a model of batches of 1 with 192 numbers an image and 10 classes cannot"
                + " answer images [4,8,8,3] by logits [4,10]",
            message);
      }
    }
  }

  /**
   * Its share is w: at 0 nothing changes, at 1 labels do not matter, and it is a choice of both.
   */
  @Test
  void theTeachersShareIsItsWeight() {
    try (Backend backend = Backend.cpu(2);
        TrainingStage large = stage(backend, 5, noise(0))) {
      run(large, 6);
      Teacher teacher = Teacher.evaluating(backend, large.network());
      float[] alone = after(backend, noise(0), null, 0);
      float[] other = after(backend, noise(1), null, 0);
      assertFalse(Arrays.equals(alone, other));
      assertArrayEquals(alone, after(backend, noise(0), teacher, 0), 1e-6f);
      float[] taught = after(backend, noise(0), teacher, 1);
      assertArrayEquals(taught, after(backend, noise(1), teacher, 1), 1e-6f);
      float[] both = after(backend, noise(0), teacher, 0.5);
      double toLabels = distance(both, alone);
      double toTeacher = distance(both, taught);
      assertTrue(toLabels > 1e-4 && toTeacher > 1e-4, toLabels + " " + toTeacher);
    }
  }

  @Test
  @Tag("steady-state")
  void stepsWithATeacherAllocateNothing() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    try (Backend backend = Backend.cpu(1);
        TrainingStage large = stage(backend, 5, noise(0));
        TrainingStage stage = stage(backend, 0, noise(0))) {
      stage.learnFrom(Teacher.evaluating(backend, large.network()), 4, 0.5);
      long least = Long.MAX_VALUE;
      long end = System.nanoTime() + 120_000_000_000L;
      while (least > 0 && System.nanoTime() < end) {
        long before = threads.getCurrentThreadAllocatedBytes();
        run(stage, 5);
        least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
      }
      assertEquals(0, least);
    }
  }

  private static float[] after(
      Backend backend, ImageDataset data, @Nullable Teacher teacher, double weight) {
    try (TrainingStage stage = stage(backend, 0, data)) {
      if (teacher != null) {
        stage.learnFrom(teacher, 4, weight);
      }
      run(stage, 3);
      return stage.trained().entries().values().iterator().next().values();
    }
  }

  private static double distance(float[] a, float[] b) {
    double most = 0;
    for (int i = 0; i < a.length; i++) {
      most = Math.max(most, Math.abs(a[i] - b[i]));
    }
    return most;
  }

  private static void run(TrainingStage stage, int steps) {
    for (int i = 0; i < steps; i++) {
      stage.step();
    }
  }

  private static float[] answer(Backend backend, Teacher teacher) {
    Tensor images = backend.memory().floats(Shape.of(BATCH, SIZE, SIZE, 3), Category.DATA, "x");
    float[] pixels = new float[images.size()];
    Rng rng = new Rng(7);
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (float) rng.uniform(-2, 2);
    }
    backend.upload(pixels, 0, images);
    Tensor logits = backend.memory().floats(Shape.of(BATCH, CLASSES), Category.DATA, "y");
    teacher.answer(images, logits);
    float[] values = new float[logits.size()];
    backend.download(logits, values, 0);
    return values;
  }

  private static CompiledModel compiled(TrainingStage stage, int batch) {
    return CompiledModel.compile(architecture(5), stage.trained(), Device.CPU, 1, batch);
  }

  private static Architecture architecture(int option) {
    Space space =
        Space.named("proxyless-small").withInput(new Architecture.Input(SIZE, SIZE, 3), CLASSES);
    int[] decisions = new int[space.options().length];
    Arrays.setAll(decisions, i -> Math.min(option, space.options()[i] - 1));
    return space.derive(decisions);
  }

  private static TrainingStage stage(Backend backend, int option, ImageDataset data) {
    Architecture network = architecture(option);
    int[] images = new int[IMAGES];
    Arrays.setAll(images, i -> i);
    TrainingConfig config =
        new TrainingConfig(
            1,
            1000,
            0.05,
            new BatchConfig(BATCH, "none", 0.1),
            new DescentConfig(0.9, 0, 5),
            Regularization.NONE);
    return new TrainingStage(
        new TrainingStage.Plan(StageName.TRAIN, network, images, new int[0], config),
        data,
        Passes.of(backend, network),
        (event, fields) -> {});
  }

  /** Images of noise, with labels that another number moves on by so many classes. */
  private static ImageDataset noise(int move) {
    byte[] pixels = new byte[IMAGES * SIZE * SIZE * 3];
    Rng rng = new Rng(1);
    int[] labels = new int[IMAGES];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) rng.nextInt(256);
    }
    Arrays.setAll(labels, i -> (i + move) % CLASSES);
    Images images = Images.of(SIZE, SIZE, 3, pixels, labels);
    List<String> names = List.of("0", "1", "2", "3", "4", "5", "6", "7", "8", "9");
    return ImageDataset.of("noise", names, images, images);
  }
}
