package dev.sextant.tensor.family;

import dev.sextant.tensor.Check;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Storage;
import dev.sextant.tensor.Tensor;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The rules of {@link Loss}. A passing check allocates nothing. */
public final class LossRules {
  private LossRules() {}

  /**
   * Checks the arguments of {@link Loss#softmaxCrossEntropy}.
   *
   * @param logits {@code [N, K]}
   * @param labels integers {@code [N]}, each from 0 to K - 1
   * @param dlogits gradient of the mean loss, written, of the logits' shape; null if not wanted
   */
  public static void softmaxCrossEntropy(Tensor logits, Tensor labels, @Nullable Tensor dlogits) {
    String op = "softmaxCrossEntropy";
    labels(op, logits, labels);
    if (dlogits != null) {
      Check.same(op, logits, dlogits);
      Check.inPlace(op, dlogits, logits);
    }
  }

  /**
   * Checks the arguments of {@link Loss#countCorrect}.
   *
   * @param logits {@code [N, K]}
   * @param labels integers {@code [N]}, each from 0 to K - 1
   */
  public static void countCorrect(Tensor logits, Tensor labels) {
    labels("countCorrect", logits, labels);
  }

  /**
   * Logits {@code [N, K]} with labels {@code [N]} below K.
   *
   * @param op the operation, as errors name it
   * @param logits {@code [N, K]}
   * @param labels integers {@code [N]}, each from 0 to K - 1
   */
  public static void labels(String op, Tensor logits, Tensor labels) {
    Check.rank(op, "logits", logits.shape(), 2);
    int rows = logits.shape().get(0);
    if (labels.shape().rank() != 1 || labels.shape().get(0) != rows) {
      Check.shape(op, "labels", labels, Shape.of(rows));
    }
    if (labels.storage() instanceof Storage.Heap) {
      int classes = logits.shape().get(1);
      int[] values = labels.ints();
      for (int i = labels.offset(); i < labels.offset() + labels.size(); i++) {
        if (values[i] < 0 || values[i] >= classes) {
          throw new SextantException(
              String.format(
                  Locale.ROOT,
                  "%s: label %d at %d is not below the %d classes",
                  op,
                  values[i],
                  i - labels.offset(),
                  classes));
        }
      }
    }
  }
}
