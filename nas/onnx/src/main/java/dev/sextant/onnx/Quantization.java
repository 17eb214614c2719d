package dev.sextant.onnx;

import dev.sextant.onnx.quantize.Simulation;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Weights;
import java.util.Map;

/**
 * How large the values of a network become, and so the steps in which eight bits hold them. Weights
 * have a step for each output channel, values one each, and zero is zero in all.
 *
 * @param scales the step of each value, by its name
 * @param simulated the network with every value rounded; its layers have no JSON
 * @param weights of that network, rounded too
 */
public record Quantization(Map<String, Float> scales, Architecture simulated, Weights weights) {
  /** What the largest step stands for. */
  public enum Rule {
    /** The largest number that was seen. */
    MINMAX(1),
    /** What 99.99 % of the numbers do not pass: a few that are far out are cut off. */
    PERCENTILE(0.9999);

    private final double share;

    Rule(double share) {
      this.share = share;
    }
  }

  /**
   * {@return the steps for a network, from what some images make of it}
   *
   * @param architecture the network
   * @param weights its weights, which say mean and deviation
   * @param pixels of one image or more: unsigned bytes {@code [N, H, W, C]}, of training images
   * @param rule what the largest step stands for
   * @throws dev.sextant.tensor.SextantException if the network looks for objects, the pixels are
   *     not whole images, or the weights are not the network's
   */
  public static Quantization of(
      Architecture architecture, Weights weights, byte[] pixels, Rule rule) {
    architecture.requireClassifier();
    Map<String, Float> scales = Simulation.scales(architecture, weights, pixels, rule.share);
    return new Quantization(
        scales,
        Simulation.rounded(architecture, scales),
        // A bias differs by less than its step, but in every image: enough to move values that lie
        // between two steps, and with them the logits.
        Simulation.rounded(
            architecture, weights, NetworkExport.biases(architecture, weights, scales)));
  }
}
