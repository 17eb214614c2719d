package dev.sextant.kernels.loss;

import dev.sextant.kernels.device.Kernels;
import dev.sextant.kernels.driver.Launch;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.family.Loss;
import dev.sextant.tensor.family.LossRules;
import org.jspecify.annotations.Nullable;

/** {@link Loss} on a device. */
public final class LossLaunches implements Loss {
  private static final int ROWS_OF_BLOCK = 8;
  private static final int WARP = 32;

  private final Kernels kernels;

  /** Kernels that are loaded there. */
  public LossLaunches(Kernels kernels) {
    this.kernels = kernels;
  }

  @Override
  public double softmaxCrossEntropy(
      Tensor logits, Tensor labels, float smoothing, @Nullable Tensor dlogits) {
    LossRules.softmaxCrossEntropy(logits, labels, dlogits);
    int rows = logits.shape().get(0);
    int classes = logits.shape().get(1);
    if (rows == 0) {
      return 0;
    }
    CrossEntropy.Mode mode =
        dlogits == null ? CrossEntropy.Mode.LOSS : CrossEntropy.Mode.LOSS_AND_GRADIENT;
    try (Tensor losses = kernels.workspace(rows, "loss of each row")) {
      Launch launch = Kernels.arguments(kernels.of(new CrossEntropy(mode)), logits, labels, losses);
      if (dlogits != null) {
        Kernels.argument(launch, dlogits);
      }
      launch
          .integer(rows)
          .integer(classes)
          .number(1 - smoothing)
          .number(smoothing / classes)
          .number(1f / rows);
      rows(launch, rows);
      return kernels.hostSum(losses) / rows;
    }
  }

  @Override
  public int countCorrect(Tensor logits, Tensor labels) {
    LossRules.countCorrect(logits, labels);
    int rows = logits.shape().get(0);
    if (rows == 0) {
      return 0;
    }
    try (Tensor correct = kernels.workspace(rows, "correct rows")) {
      Launch launch = kernels.of(new CrossEntropy(CrossEntropy.Mode.CORRECT));
      Kernels.arguments(launch, logits, labels, correct);
      rows(launch.integer(rows).integer(logits.shape().get(1)), rows);
      return (int) kernels.hostSum(correct);
    }
  }

  private static void rows(Launch launch, int rows) {
    launch.grid(Kernels.ceil(rows, ROWS_OF_BLOCK), 1, 1).block(WARP, ROWS_OF_BLOCK).run();
  }
}
