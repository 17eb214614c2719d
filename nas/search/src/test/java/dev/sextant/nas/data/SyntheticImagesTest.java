package dev.sextant.nas.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("long")
class SyntheticImagesTest {
  /** CRC-32 of images and labels of builtin:400; a change of the generator changes results. */
  private static final long GOLDEN_TRAIN = 3321575776L;

  private static long checksum(Images images) {
    CRC32 crc = new CRC32();
    byte[] image = new byte[images.imageBytes()];
    for (int i = 0; i < images.count(); i++) {
      images.copyPixels(i, image, 0);
      crc.update(image);
      crc.update(images.label(i));
    }
    return crc.getValue();
  }

  @Test
  void sizesAndBalance() {
    ImageDataset data = Datasets.open("builtin");
    assertEquals(List.of(8000, 2000), List.of(data.train().count(), data.test().count()));
    assertEquals(List.of(28, 28, 1), List.of(data.height(), data.width(), data.channels()));
    assertEquals(10, data.classes());
    int[] perClass = new int[10];
    for (int i = 0; i < 2000; i++) {
      perClass[data.test().label(i)]++;
    }
    assertArrayEquals(new int[] {200, 200, 200, 200, 200, 200, 200, 200, 200, 200}, perClass);
    assertEquals(0.55, data.normalization().mean()[0], 0.02);
  }

  @Test
  void theSameOnEveryMachine() {
    ImageDataset data = Datasets.open("builtin:400");
    assertEquals(GOLDEN_TRAIN, checksum(data.train()));
    assertNotEquals(checksum(data.train()), checksum(data.test()));
    // A larger set begins with the smaller one.
    byte[] small = new byte[784];
    byte[] large = new byte[784];
    data.train().copyPixels(399, small, 0);
    Datasets.open("builtin:800").train().copyPixels(399, large, 0);
    assertArrayEquals(small, large);
  }

  /** Softmax regression on pixels, 10 epochs: chance is 10 %, networks reach 70 to 90 %. */
  @Test
  void aLinearModelLearnsLittleOfIt() {
    ImageDataset data = Datasets.open("builtin:4000");
    Normalization normalization = data.normalization();
    double[][] weights = new double[10][785];
    double[] logits = new double[10];
    for (int epoch = 0; epoch < 10; epoch++) {
      for (Batch batch : new SequentialBatches(data.train(), 100, normalization)) {
        for (int i = 0; i < batch.count(); i++) {
          predict(weights, batch.pixels(), i * 784, logits);
          double sum = 0;
          for (double logit : logits) {
            sum += Math.exp(logit);
          }
          for (int k = 0; k < 10; k++) {
            double error = Math.exp(logits[k]) / sum - (k == batch.labels()[i] ? 1 : 0);
            for (int p = 0; p < 784; p++) {
              weights[k][p] -= 0.001 * error * batch.pixels()[i * 784 + p];
            }
            weights[k][784] -= 0.001 * error;
          }
        }
      }
    }
    int correct = 0;
    for (Batch batch : new SequentialBatches(data.test(), 100, normalization)) {
      for (int i = 0; i < batch.count(); i++) {
        correct += predict(weights, batch.pixels(), i * 784, logits) == batch.labels()[i] ? 1 : 0;
      }
    }
    double accuracy = (double) correct / data.test().count();
    assertTrue(accuracy > 0.13 && accuracy < 0.4, "a linear model reaches " + accuracy);
  }

  private static int predict(double[][] weights, float[] pixels, int at, double[] logits) {
    int best = 0;
    for (int k = 0; k < 10; k++) {
      double sum = weights[k][784];
      for (int p = 0; p < 784; p++) {
        sum += weights[k][p] * pixels[at + p];
      }
      logits[k] = sum;
      best = sum > logits[best] ? k : best;
    }
    return best;
  }
}
