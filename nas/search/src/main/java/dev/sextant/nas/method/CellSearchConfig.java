package dev.sextant.nas.method;

/**
 * What a search of cells and the training of its networks need besides what every search does.
 * Published values for DARTS and PC-DARTS in parentheses.
 *
 * @param secondOrder whether the architecture gradient looks a weight step ahead (DARTS: both)
 * @param imageShare share of the training images that the search sees (1; PC-DARTS on ImageNet:
 *     0.125)
 * @param lastRate what the weights' rate falls to in the search (0.001; 0)
 * @param clip most that the norm of the weights' gradients may be, in the search and in training
 *     single networks; 0 for no limit (5)
 * @param noiseMs deviation of noise added to predicted latencies: the robustness experiment of
 *     Latency-Aware DARTS (0; Table 3)
 * @param dropPath share of the paths through cells dropped at the end of training (0.2; 0.3)
 * @param auxiliary weight of the second classifier's loss in training, for images of 32x32; 0 for
 *     none (0.4)
 */
public record CellSearchConfig(
    boolean secondOrder,
    double imageShare,
    double lastRate,
    double clip,
    double noiseMs,
    double dropPath,
    double auxiliary) {
  /** First order, no second classifier, nothing dropped or limited: all there is for chains. */
  public static final CellSearchConfig NONE = new CellSearchConfig(false, 1, 0, 0, 0, 0, 0);

  /** Checks every number. */
  public CellSearchConfig {
    SearchConfig.within("search-images", imageShare, 1e-6, 1);
    SearchConfig.within("last-rate", lastRate, 0, 100);
    SearchConfig.within("clip", clip, 0, 1e9);
    SearchConfig.within("prediction-noise", noiseMs, 0, 1e9);
    SearchConfig.within("drop-path", dropPath, 0, 0.9999);
    SearchConfig.within("auxiliary", auxiliary, 0, 100);
  }
}
