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
    Backend backend = request.backend();
    int count = request.images().shape().get(0);
    int size = request.images().size() / count;
    float[] gradients = new float[count * size];
    try (Tape tape = new Tape(backend, Tape.Mode.TRAIN_STATELESS)) {
      Variable images = tape.leaf(request.images());
      Variable logits = request.network().forward(tape, images);
      Tensor ones = backend.memory().floats(logits.shape(), Category.ACTIVATIONS, "prior.ones");
      backend.elementwise().fill(ones, 1);
      tape.backward(logits, ones);
      backend.download(Objects.requireNonNull(images.gradient()), gradients, 0);
    }
    double[][] correlations = correlations(gradients, count, size);
    for (int i = 0; i < count; i++) {
      correlations[i][i] += K;
    }
    Cholesky factor = Cholesky.of(correlations);
    return -factor.logDeterminant() - factor.inverseTrace();
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
