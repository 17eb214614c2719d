package dev.sextant.runtime;

import dev.sextant.tensor.Shape;
import java.util.ArrayList;
import java.util.List;

/**
 * The parameters of a program, by the indices that its steps use: kernels, each with its bias
 * behind it, into which batch norms are folded.
 */
final class FoldedParameters {
  private final Weights weights;
  private final double epsilon;
  private final List<Weights.Entry> entries = new ArrayList<>();

  FoldedParameters(Weights weights, double epsilon) {
    this.weights = weights;
    this.epsilon = epsilon;
  }

  List<Weights.Entry> all() {
    return List.copyOf(entries);
  }

  int size() {
    return entries.size();
  }

  Weights.Entry get(int index) {
    return entries.get(index);
  }

  /** Forgets those from an index on. */
  void takeBack(int first) {
    entries.subList(first, entries.size()).clear();
  }

  /** Appends one; returns its index. */
  int add(Weights.Entry entry) {
    entries.add(entry);
    return entries.size() - 1;
  }

  /** A kernel and the bias behind it. */
  int biased(String prefix) {
    int weight = add(weights.get(prefix + "weight"));
    add(weights.get(prefix + "bias"));
    return weight;
  }

  /** A kernel that nothing follows, with biases of 0. */
  int unbiased(Weights.Entry kernel) {
    int weight = add(kernel);
    int channels = kernel.shape().channels();
    add(new Weights.Entry(Shape.of(channels), new float[channels]));
    return weight;
  }

  /** Folds a batch norm into the kernel before it, whose last extent is the norm's channels. */
  int folded(String name, String norm) {
    return folded(weights.get(name), norm, 0);
  }

  /** Folds a batch norm into two kernels whose outputs it takes side by side. */
  int[] foldedSideBySide(String first, String second, String norm) {
    Weights.Entry left = weights.get(first);
    return new int[] {
      folded(left, norm, 0), folded(weights.get(second), norm, left.shape().channels())
    };
  }

  /** The kernel's channels are those of the norm from {@code from} on. */
  private int folded(Weights.Entry kernel, String norm, int from) {
    int weight = entries.size();
    entries.addAll(weights.folded(kernel, norm, epsilon, from));
    return weight;
  }
}
