package dev.sextant.runtime.service;

import dev.sextant.tensor.SextantException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * A class and how likely it is.
 *
 * @param label its number, from 0
 * @param name its name; the number where the model has no names
 * @param probability softmax of the logits
 */
public record Prediction(int label, String name, double probability) {
  /**
   * {@return the k likeliest classes, the likeliest first, of equals the one with the lesser
   * number}
   *
   * @param logits of one image
   * @param names of the classes; empty where there are none
   * @param k at least 1; all classes where there are fewer
   * @throws SextantException if k is less than 1
   */
  public static List<Prediction> top(float[] logits, List<String> names, int k) {
    if (k < 1) {
      throw new SextantException(
          String.format(Locale.ROOT, "predictor: the likeliest %d classes are asked for", k));
    }
    double most = Double.NEGATIVE_INFINITY;
    for (float logit : logits) {
      most = Math.max(most, logit);
    }
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit - most);
    }
    List<Prediction> top = new ArrayList<>();
    boolean[] taken = new boolean[logits.length];
    for (int i = 0; i < Math.min(k, logits.length); i++) {
      int best = -1;
      for (int label = 0; label < logits.length; label++) {
        if (!taken[label] && (best < 0 || logits[label] > logits[best])) {
          best = label;
        }
      }
      taken[best] = true;
      String name = names.isEmpty() ? Integer.toString(best) : names.get(best);
      top.add(new Prediction(best, name, Math.exp(logits[best] - most) / sum));
    }
    return List.copyOf(top);
  }
}
