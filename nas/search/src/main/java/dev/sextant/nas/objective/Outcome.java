package dev.sextant.nas.objective;

/**
 * What a network makes of labelled images: mean cross-entropy in nats, and the share of images
 * whose largest logit is at the label. Whoever makes it may set it anew for the next images.
 */
public final class Outcome {
  private double loss;
  private double accuracy;

  /**
   * An outcome.
   *
   * @param loss mean cross-entropy in nats
   * @param accuracy share of images classified right
   */
  public Outcome(double loss, double accuracy) {
    set(loss, accuracy);
  }

  /**
   * Makes it another outcome.
   *
   * @param newLoss mean cross-entropy in nats
   * @param newAccuracy share of images classified right
   */
  public void set(double newLoss, double newAccuracy) {
    loss = newLoss;
    accuracy = newAccuracy;
  }

  /** {@return mean cross-entropy in nats} */
  public double loss() {
    return loss;
  }

  /** {@return share of images classified right} */
  public double accuracy() {
    return accuracy;
  }
}
