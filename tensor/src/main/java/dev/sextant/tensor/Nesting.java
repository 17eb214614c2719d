package dev.sextant.tensor;

import java.util.Arrays;
import java.util.Locale;

/**
 * How the candidates of a depthwise superkernel {@code [k, k, C]} lie inside one another
 * (Single-Path NAS, section 3.2): a smaller kernel is the core of a larger one, fewer channels are
 * the first of more.
 *
 * <p>Gates are numbered shells first, from the innermost that can be left out, then channel groups
 * from the first: with kernels 3, 5, 7 and channels 48, 96 the gates are the 5x5 shell, the 7x7
 * shell, channels 0 to 47, channels 48 to 95. The smallest kernel has no gate. The first group's
 * gate stands for the whole layer: it has a norm and a threshold as the others, but what it shuts
 * is the layer, not the kernel.
 */
public final class Nesting {
  private final int[] kernels;
  private final int[] channels;

  /** Shell of each row or column distance from the edge, that is of min(i, k - 1 - i). */
  private final int[] shellOfEdge;

  /**
   * Kernels inside kernels, channels before channels.
   *
   * @param kernels odd sizes, ascending
   * @param channels numbers of channels, ascending
   * @throws SextantException that says which number is wrong
   */
  public Nesting(int[] kernels, int[] channels) {
    this.kernels = kernels.clone();
    this.channels = channels.clone();
    ascending("kernel size", kernels);
    ascending("number of channels", channels);
    for (int kernel : kernels) {
      if (kernel % 2 == 0) {
        throw new SextantException(
            String.format(Locale.ROOT, "nesting: kernel size %d is even", kernel));
      }
    }
    int largest = kernel();
    shellOfEdge = new int[largest / 2 + 1];
    for (int edge = 0; edge < shellOfEdge.length; edge++) {
      int shell = 0;
      while (kernels[shell] < largest - 2 * edge) {
        shell++;
      }
      shellOfEdge[edge] = shell;
    }
  }

  private static void ascending(String what, int[] values) {
    int least = 1;
    for (int value : values) {
      if (value < least) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "nesting: each %s must be larger than the one before (they are %s)",
                what,
                Arrays.toString(values)));
      }
      least = value + 1;
    }
    if (values.length == 0) {
      throw new SextantException("nesting: no " + what);
    }
  }

  /** {@return the number of kernel sizes, which is also the number of shells} */
  public int shells() {
    return kernels.length;
  }

  /** {@return the number of choices of channels} */
  public int groups() {
    return channels.length;
  }

  /**
   * {@return the number of gates: one for each shell but the innermost, one for each group of
   * channels}
   */
  public int gates() {
    return shells() - 1 + groups();
  }

  /** {@return the gate that shuts the whole layer} */
  public int layerGate() {
    return shells() - 1;
  }

  /**
   * {@return the size of a candidate kernel}
   *
   * @param shell its place among the kernel sizes, 0 the smallest
   */
  public int kernel(int shell) {
    return kernels[shell];
  }

  /**
   * {@return the channels of a candidate}
   *
   * @param group its place among the choices of channels, 0 the fewest
   */
  public int channels(int group) {
    return channels[group];
  }

  /** {@return the largest kernel size} */
  public int kernel() {
    return kernels[kernels.length - 1];
  }

  /** {@return the largest number of channels} */
  public int channels() {
    return channels[channels.length - 1];
  }

  /** {@return the shape of the superkernel, {@code [k, k, C]}} */
  public Shape shape() {
    return Shape.of(kernel(), kernel(), channels());
  }

  /**
   * {@return the smallest kernel that a tap is part of, by its place among the kernel sizes}
   *
   * @param row of the tap, from 0
   * @param column of the tap, from 0
   */
  public int shell(int row, int column) {
    int last = kernel() - 1;
    int edge = Math.min(Math.min(row, last - row), Math.min(column, last - column));
    return shellOfEdge[edge];
  }

  /**
   * {@return the weights of a shell: taps times all channels}
   *
   * @param shell its place among the kernel sizes, 0 the smallest
   */
  public int shellSize(int shell) {
    int inner = shell == 0 ? 0 : kernels[shell - 1] * kernels[shell - 1];
    return (kernels[shell] * kernels[shell] - inner) * channels();
  }

  /**
   * {@return the weights of a group of channels: all taps times its channels}
   *
   * @param group its place among the choices of channels, 0 the fewest
   */
  public int groupSize(int group) {
    return kernel() * kernel() * (channels[group] - firstChannel(group));
  }

  /**
   * {@return the first channel of a group}
   *
   * @param group its place among the choices of channels, 0 the fewest
   */
  public int firstChannel(int group) {
    return group == 0 ? 0 : channels[group - 1];
  }

  /** As in {@code kernels [3, 5], channels [48, 96]}. */
  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "kernels %s, channels %s",
        Arrays.toString(kernels),
        Arrays.toString(channels));
  }
}
