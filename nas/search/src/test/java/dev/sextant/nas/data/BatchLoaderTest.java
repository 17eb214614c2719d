package dev.sextant.nas.data;

import static dev.sextant.nas.data.TestData.assertError;
import static dev.sextant.nas.data.TestData.assertSameBits;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.sextant.nas.data.Augmentation.ColorJitter;
import dev.sextant.nas.data.Augmentation.ResizedCrop;
import dev.sextant.nas.data.BatchLoader.Position;
import dev.sextant.nas.workers.Workers;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Isolated;

@Timeout(60)
@Isolated("counts the threads that load batches")
class BatchLoaderTest {
  private static final Images IMAGES = TestData.random(50, 9, 8, 3, 5);
  private static final Normalization NORMALIZATION = Normalization.of(IMAGES);
  private static final int[] INDICES = IntStream.range(0, 50).filter(i -> i % 7 != 0).toArray();
  private static final Augmentation EVERYTHING =
      new Augmentation(0.5, 0, new ResizedCrop(.1, 1, .5, 2), new ColorJitter(.3, .3, .3, .1), 3);

  private static BatchPlan plan(Augmentation augmentation, long seed, boolean dropLast) {
    return new BatchPlan(
        IMAGES, INDICES, 8, NORMALIZATION, augmentation, seed, true, dropLast, Workers.ALONE);
  }

  private static BatchLoader loader(Augmentation augmentation, long seed, boolean dropLast) {
    return new BatchLoader(IMAGES, INDICES, 8, NORMALIZATION, augmentation, seed, dropLast);
  }

  private static void assertSameBatch(Batch expected, Batch actual) {
    assertEquals(expected.epoch(), actual.epoch());
    assertEquals(expected.index(), actual.index());
    assertEquals(expected.count(), actual.count());
    int count = expected.count();
    assertArrayEquals(
        Arrays.copyOf(expected.labels(), count), Arrays.copyOf(actual.labels(), count));
    assertSameBits(expected.pixels(), actual.pixels(), count * IMAGES.imageBytes());
  }

  @Test
  void sameBatchesAsWithoutAThread() throws InterruptedException {
    for (Augmentation augmentation : List.of(EVERYTHING, Augmentation.light(8))) {
      BatchPlan plan = plan(augmentation, 11, false);
      Batch expected = plan.newBatch();
      try (BatchLoader loader = loader(augmentation, 11, false)) {
        assertEquals(6, loader.batchesPerEpoch());
        for (int i = 0; i < 30; i++) {
          if (i % 5 == 0) {
            Thread.sleep(3);
          }
          plan.fill(expected, i / 6, i % 6);
          assertSameBatch(expected, loader.next());
        }
      }
    }
  }

  @Test
  void anImageDependsOnSeedEpochAndIndexAlone() {
    // Image 10 in other company, other order and another batch size is the same image.
    BatchPlan alone =
        new BatchPlan(
            IMAGES, new int[] {10}, 1, NORMALIZATION, EVERYTHING, 11, true, false, Workers.ALONE);
    Batch one = alone.newBatch();
    alone.fill(one, 2, 0);
    float[] found = null;
    BatchPlan all = plan(EVERYTHING, 11, false);
    Batch batch = all.newBatch();
    int size = IMAGES.imageBytes();
    for (int b = 0; b < all.batches() && found == null; b++) {
      all.fill(batch, 2, b);
      for (int i = 0; i < batch.count(); i++) {
        float[] image = Arrays.copyOfRange(batch.pixels(), i * size, (i + 1) * size);
        found = Arrays.equals(image, one.pixels()) ? image : found;
      }
    }
    assertTrue(found != null);
    alone.fill(one, 3, 0);
    assertFalse(Arrays.equals(found, one.pixels()));
  }

  @Test
  void restoresInTheMiddle() {
    Position saved;
    Batch[] expected = new Batch[9];
    BatchPlan plan = plan(EVERYTHING, 4, true);
    try (BatchLoader loader = loader(EVERYTHING, 4, true)) {
      assertEquals(5, loader.batchesPerEpoch());
      for (int i = 0; i < 8; i++) {
        loader.next();
      }
      saved = loader.position();
      assertEquals(new Position(1, 3), saved);
      for (int i = 0; i < expected.length; i++) {
        Batch batch = loader.next();
        expected[i] = plan.newBatch();
        plan.fill(expected[i], batch.epoch(), batch.index());
        assertSameBatch(expected[i], batch);
      }
      loader.seek(saved);
      assertSameBatch(expected[0], loader.next());
    }
    try (BatchLoader resumed = loader(EVERYTHING, 4, true)) {
      resumed.seek(saved);
      for (Batch batch : expected) {
        assertSameBatch(batch, resumed.next());
      }
      assertError(() -> resumed.seek(new Position(0, 5)), "no batch 5", "has 5");
      assertError(() -> resumed.seek(new Position(-1, 0)), "epoch -1");
    }
  }

  @Test
  void seeksWhileTheThreadWorks() {
    BatchPlan plan = plan(EVERYTHING, 4, false);
    Batch expected = plan.newBatch();
    try (BatchLoader loader = loader(EVERYTHING, 4, false)) {
      for (int i = 0; i < 300; i++) {
        Position position = new Position(i * 7 % 5, i * 11 % 6);
        loader.seek(position);
        plan.fill(expected, position.epoch(), position.batch());
        assertSameBatch(expected, loader.next());
      }
    }
  }

  @Test
  void anEpochHasEveryImageOnceInAnOrderOfItsOwn() {
    int[] first = epochLabels(0, 1);
    assertEquals(INDICES.length, first.length);
    int[] expected = Arrays.stream(INDICES).map(IMAGES::label).sorted().toArray();
    int[] sorted = first.clone();
    Arrays.sort(sorted);
    assertArrayEquals(expected, sorted);
    assertFalse(Arrays.equals(first, epochLabels(1, 1)));
    assertFalse(Arrays.equals(first, epochLabels(0, 2)));
    assertArrayEquals(first, epochLabels(0, 1));
  }

  private static int[] epochLabels(long epoch, long seed) {
    try (BatchLoader loader = loader(Augmentation.none(), seed, false)) {
      loader.seek(new Position(epoch, 0));
      return IntStream.range(0, loader.batchesPerEpoch())
          .mapToObj(b -> loader.next())
          .flatMapToInt(batch -> Arrays.stream(batch.labels(), 0, batch.count()))
          .toArray();
    }
  }

  @Test
  void failuresOfTheThreadSurfaceInOrder() {
    BatchPlan plan = plan(Augmentation.none(), 1, false);
    IllegalStateException cause = new IllegalStateException("disk on fire");
    try (BatchLoader loader =
        new BatchLoader(
            plan,
            (batch, epoch, index) -> {
              if (epoch == 0 && index == 4) {
                throw cause;
              }
              plan.fill(batch, epoch, index);
            })) {
      for (int i = 0; i < 4; i++) {
        assertEquals(i, loader.next().index());
      }
      for (int i = 0; i < 2; i++) {
        SextantException e = assertThrows(SextantException.class, loader::next);
        assertTrue(e.getMessage().contains("batch 4 of epoch 0"), e.getMessage());
        assertEquals(cause, e.getCause());
      }
      loader.seek(new Position(0, 5));
      assertEquals(5, loader.next().index());
      assertEquals(new Position(1, 0), loader.position());
    }
  }

  @Test
  void loansAndClosing() {
    // Tests of other classes have loaders of their own meanwhile.
    Set<Thread> before = Thread.getAllStackTraces().keySet();
    BatchLoader loader = loader(Augmentation.none(), 1, false);
    Batch batch = loader.next();
    loader.recycle(batch);
    assertThrows(IllegalArgumentException.class, () -> loader.recycle(batch));
    loader.next();
    loader.close();
    loader.close();
    assertError(loader::next, "closed");
    assertTrue(
        Thread.getAllStackTraces().keySet().stream()
            .noneMatch(
                thread -> thread.getName().equals("sextant-batches") && !before.contains(thread)));
  }

  @Test
  void aWaitingCallerCanBeInterrupted() {
    Object never = new Object();
    BatchPlan plan = plan(Augmentation.none(), 1, false);
    boolean[] release = {false};
    try (BatchLoader loader =
        new BatchLoader(
            plan,
            (batch, epoch, index) -> {
              synchronized (never) {
                while (!release[0]) {
                  try {
                    never.wait();
                  } catch (InterruptedException e) {
                    throw new AssertionError(e);
                  }
                }
              }
            })) {
      Thread.currentThread().interrupt();
      assertError(loader::next, "interrupted");
      assertTrue(Thread.interrupted());
      synchronized (never) {
        release[0] = true;
        never.notifyAll();
      }
    }
  }

  @Test
  void steadyStateAllocatesNothingPerBatch() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    try (BatchLoader loader = loader(Augmentation.light(8), 1, true)) {
      for (int i = 0; i < 20_000; i++) {
        loader.next();
      }
      long producer =
          Thread.getAllStackTraces().keySet().stream()
              .filter(thread -> thread.getName().equals("sextant-batches"))
              .findFirst()
              .orElseThrow()
              .threadId();
      long caller = threads.getCurrentThreadAllocatedBytes();
      long before = threads.getThreadAllocatedBytes(producer);
      for (int i = 0; i < 1000; i++) {
        loader.next();
      }
      // A batch of 8 such images is 6,912 bytes; a generator for each image may be 24 of them.
      assertTrue(threads.getThreadAllocatedBytes(producer) - before < 1000 * 8 * 80);
      assertTrue(threads.getCurrentThreadAllocatedBytes() - caller < 1000 * 16);
    }
  }

  @Test
  void impossibleArguments() {
    int[] none = {};
    assertError(() -> make(none, 8, false), "0 images make no batch of 8");
    assertError(() -> make(new int[] {1, 2}, 3, true), "2 images make no batch of 3");
    assertError(() -> make(new int[] {50}, 1, false), "index 50 is not one of 50 images");
    assertError(() -> make(INDICES, 0, false), "batch size 0");
    assertError(() -> make(INDICES, 1 << 30, false), "exceed 2^31");
  }

  private static void make(int[] indices, int batchSize, boolean dropLast) {
    new BatchLoader(IMAGES, indices, batchSize, NORMALIZATION, Augmentation.none(), 0, dropLast)
        .close();
  }

  @Test
  void sequentialBatchesKeepTheOrder() {
    SequentialBatches batches = new SequentialBatches(IMAGES, 8, NORMALIZATION);
    assertEquals(7, batches.batches());
    for (int pass = 0; pass < 2; pass++) {
      int image = 0;
      float[] expected = new float[IMAGES.imageBytes()];
      Augmenter augmenter = new Augmenter(IMAGES, Augmentation.none(), NORMALIZATION);
      for (Batch batch : batches) {
        assertEquals(Math.min(8, 50 - image), batch.count());
        for (int i = 0; i < batch.count(); i++, image++) {
          assertEquals(image % 5, batch.labels()[i]);
          augmenter.apply(
              IMAGES.chunk(image), IMAGES.offset(image), Rng.of(0, 0, image), expected, 0);
          int at = i * expected.length;
          assertSameBits(
              expected,
              Arrays.copyOfRange(batch.pixels(), at, at + expected.length),
              expected.length);
        }
      }
      assertEquals(50, image);
    }
  }
}
