package dev.sextant.nas.prior;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.nas.linear.Cholesky;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Tensor;
import java.util.Objects;

/**
 * How far a network with fresh weights tells images apart (Mellor et al., "Neural architecture
 * search without training", first version, 2020): with the correlations of the gradients of the
 * outputs' sum by each image, whose eigenvalues are v, the score is - sum of (ln(v + k) + 1/(v +
 * k)), k = 1e-5. The sums are found by a Cholesky decomposition, as the logarithm of the
 * determinant and the trace of the inverse.
 */
final class JacobianCovariance {
  private static final double K = 1e-5;

  private JacobianCovariance() {}

  static double score(PriorRequest request) {
    int count = 0;
    for (Tensor batch : request.images()) {
      count += batch.shape().get(0);
    }
    int size = request.architecture().input().shape(1).size();
    float[] gradients = new float[count * size];
    int at = 0;
    for (Tensor batch : request.images()) {
      gradients(request, batch, gradients, at);
      at += batch.size();
    }
    double[][] correlations = correlations(gradients, count, size);
    for (int i = 0; i < count; i++) {
      correlations[i][i] += K;
    }
    Cholesky factor = Cholesky.of(correlations);
    return -factor.logDeterminant() - factor.inverseTrace();
  }

  /** Of the outputs' sums by the images of one batch, an image after the other. */
  private static void gradients(PriorRequest request, Tensor batch, float[] gradients, int at) {
    Backend backend = request.backend();
    try (Tape tape = new Tape(backend, Tape.Mode.TRAIN_STATELESS)) {
      Variable images = tape.leaf(batch);
      Variable logits = request.network().forward(tape, images);
      Tensor signs = backend.memory().floats(logits.shape(), Category.ACTIVATIONS, "prior.signs");
      int count = batch.shape().get(0);
      backend.upload(signs(count, logits.shape().size() / count), 0, signs);
      tape.backward(logits, signs);
      backend.download(Objects.requireNonNull(images.gradient()), gradients, at);
    }
  }

  /**
   * The outputs' sum by an image and its negative in turn. Changing the sign of a row and its
   * column leaves the eigenvalues as they are. With one sign, gradients through a batch norm that
   * no activation follows are nothing but rounding: its outputs add up to the same whatever the
   * images.
   */
  private static float[] signs(int count, int classes) {
    float[] signs = new float[count * classes];
    for (int i = 0; i < signs.length; i++) {
      signs[i] = i / classes % 2 == 0 ? 1 : -1;
    }
    return signs;
  }

  /** Of rows; a row without any deviation correlates with none. */
  private static double[][] correlations(float[] rows, int count, int size) {
    double[][] centred = new double[count][size];
    for (int i = 0; i < count; i++) {
      double mean = 0;
      for (int j = 0; j < size; j++) {
        mean += rows[i * size + j];
      }
      mean /= size;
      double squares = 0;
      for (int j = 0; j < size; j++) {
        centred[i][j] = rows[i * size + j] - mean;
        squares += centred[i][j] * centred[i][j];
      }
      double norm = squares > 0 ? Math.sqrt(squares) : 1;
      for (int j = 0; j < size; j++) {
        centred[i][j] /= norm;
      }
    }
    double[][] correlations = new double[count][count];
    for (int i = 0; i < count; i++) {
      correlations[i][i] = 1;
      for (int j = 0; j < i; j++) {
        double product = 0;
        for (int k = 0; k < size; k++) {
          product += centred[i][k] * centred[j][k];
        }
        correlations[i][j] = product;
        correlations[j][i] = product;
      }
    }
    return correlations;
  }
}
