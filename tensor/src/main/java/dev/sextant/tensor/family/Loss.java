package dev.sextant.tensor.family;

import dev.sextant.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * What a classifier's logits {@code [N, K]} are worth against labels {@code [N]}, integers below K.
 * A label that is not is refused where labels lie on the heap.
 *
 * <p>Confined to the thread of its backend.
 */
public interface Loss {
  /**
   * Mean cross-entropy of softmax(logits) {@code [N, K]} against integer labels {@code [N]}, with
   * label smoothing: the target is (1 - smoothing) one-hot + smoothing / K.
   *
   * @param logits {@code [N, K]}
   * @param labels integers {@code [N]}, each from 0 to K - 1
   * @param smoothing in [0, 1]
   * @param dlogits where to write the gradient of that mean, or null; may be logits
   * @return the mean loss in nats; 0 for an empty batch
   */
  double softmaxCrossEntropy(
      Tensor logits, Tensor labels, float smoothing, @Nullable Tensor dlogits);

  /**
   * {@return how many rows of logits {@code [N, K]} have their (first) maximum at the label}
   *
   * @param logits {@code [N, K]}
   * @param labels integers {@code [N]}, each from 0 to K - 1
   */
  int countCorrect(Tensor logits, Tensor labels);
}
