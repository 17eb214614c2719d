package dev.sextant.nas.method;

import dev.sextant.nas.provider.Bounds;
import dev.sextant.tensor.SextantException;

/**
 * How the derived network is trained, on all training images. Published values in parentheses.
 *
 * @param epochs 0 keeps inherited weights (300)
 * @param rate its learning rate, cosine to 0 per batch (0.05)
 * @param inheritWeights whether it starts from the supernet's weights, with the statistics of its
 *     batch norms found anew (false)
 * @param regularization against overfitting
 * @param teacher that it learns from besides the labels (none)
 */
public record Retraining(
    int epochs,
    double rate,
    boolean inheritWeights,
    Regularization regularization,
    TeacherConfig teacher) {
  /** Epochs over all training images. */
  public static final int EPOCHS = 8;

  /** The learning rate. */
  public static final double RATE = 0.1;

  /** What suits small images and minutes. */
  public static final Retraining DEFAULT =
      new Retraining(EPOCHS, RATE, false, Regularization.NONE, TeacherConfig.NONE);

  /** Checks every number. */
  public Retraining {
    Bounds.atLeast("retrain-epochs", epochs, 0);
    Bounds.within("retrain-rate", rate, 0, 100);
    if (regularization == null) {
      throw new SextantException("regularization is missing");
    }
    // Runs that were begun before had none.
    teacher = teacher == null ? TeacherConfig.NONE : teacher;
  }

  /** {@return whether it takes anything from a supernet} */
  public boolean keepsWhatWasLearnt() {
    return inheritWeights || teacher.teaches();
  }

  /**
   * {@return the same for another time}
   *
   * @param other epochs, at least 1
   */
  public Retraining withEpochs(int other) {
    return new Retraining(other, rate, inheritWeights, regularization, teacher);
  }

  /**
   * {@return the same with what was learnt in the search, or without}
   *
   * @param inherits whether it starts from the supernet's weights
   * @param other that it learns from besides the labels
   */
  public Retraining keeping(boolean inherits, TeacherConfig other) {
    return new Retraining(epochs, rate, inherits, regularization, other);
  }
}
