package dev.sextant.nas.search;

import dev.sextant.nas.cells.ArchitectureAdam;
import dev.sextant.tensor.SextantException;

/**
 * The numbers of a search of cells. Published values for DARTS and PC-DARTS are {@link #darts} and
 * {@link #pcDarts}.
 *
 * @param batch images in a step (64; 256)
 * @param epochs over the training part (50; 50)
 * @param frozenEpochs first epochs in which the weights alone learn (0; 15)
 * @param rate of the weights, cosine to {@code lastRate} (0.025; 0.1)
 * @param lastRate (0.001; 0)
 * @param momentum (0.9)
 * @param weightDecay L2 on all weights (3e-4)
 * @param clip most that the norm of the weights' gradients may be (5)
 * @param secondOrder whether the architecture gradient looks a weight step ahead
 * @param adam of the architecture parameters
 * @param strength weight of the cost in the loss, in its unit: per ms for a latency, per million of
 *     multiply-adds. The paper's lambda is 0.2 with latencies in ms; its text says 1/s. At first
 *     where a budget is set
 * @param budget what the expected cost is steered to, in its unit; 0 to keep the strength fixed
 * @param augmentation preset of training images; validation images have none
 * @param seed of weights, order, augmentation and architecture parameters
 */
public record CellSearchConfig(
    int batch,
    int epochs,
    int frozenEpochs,
    double rate,
    double lastRate,
    double momentum,
    double weightDecay,
    double clip,
    boolean secondOrder,
    ArchitectureAdam.Config adam,
    double strength,
    double budget,
    String augmentation,
    long seed) {
  /** Checks every number. */
  public CellSearchConfig {
    SearchConfig.atLeast("batch", batch, 1);
    SearchConfig.atLeast("epochs", epochs, 1);
    SearchConfig.atLeast("frozen-epochs", frozenEpochs, 0);
    SearchConfig.within("rate", rate, 0, 100);
    SearchConfig.within("last-rate", lastRate, 0, 100);
    SearchConfig.within("momentum", momentum, 0, 0.9999);
    SearchConfig.within("weight-decay", weightDecay, 0, 1);
    SearchConfig.within("strength", strength, 0, 1e6);
    SearchConfig.within("budget", budget, 0, 1e9);
    if (!(clip > 0)) {
      throw new SextantException("clip: %s is not positive".formatted(clip));
    }
  }

  /** DARTS on CIFAR-10. */
  public static CellSearchConfig darts(boolean secondOrder, double strength, long seed) {
    return new CellSearchConfig(
        64,
        50,
        0,
        0.025,
        0.001,
        0.9,
        3e-4,
        5,
        secondOrder,
        ArchitectureAdam.Config.DARTS,
        strength,
        0,
        "light",
        seed);
  }

  /** PC-DARTS on CIFAR-10. */
  public static CellSearchConfig pcDarts(double strength, long seed) {
    return new CellSearchConfig(
        256,
        50,
        15,
        0.1,
        0,
        0.9,
        3e-4,
        5,
        false,
        ArchitectureAdam.Config.PC_DARTS,
        strength,
        0,
        "light",
        seed);
  }
}
