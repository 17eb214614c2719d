package dev.sextant.nas.space;

import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.runtime.layer.Skip;
import dev.sextant.tensor.Nesting;
import dev.sextant.tensor.SextantException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A choice whose candidates lie inside one another (Single-Path NAS, section 3.2): blocks of every
 * combination of some kernels and some expansions, all else alike, and perhaps skip. Immutable.
 */
public final class NestedChoice {
  private final List<Layer> candidates;
  private final int[] kernels;
  private final int[] expansions;

  /** The candidate of each kernel and expansion. */
  private final int[][] ofSizes;

  private final MbConv largest;

  /** The candidate that leaves the layer out, or -1. */
  private final int skip;

  private NestedChoice(List<Layer> candidates, MbConv first) {
    this.candidates = candidates;
    skip = candidates.indexOf(new Skip());
    List<MbConv> blocks = blocks(candidates);
    kernels = distinct(blocks.stream().map(MbConv::kernel).toList());
    expansions = distinct(blocks.stream().map(MbConv::expand).toList());
    ofSizes = new int[kernels.length][expansions.length];
    for (int shell = 0; shell < kernels.length; shell++) {
      for (int group = 0; group < expansions.length; group++) {
        ofSizes[shell][group] = candidates.indexOf(first.sized(kernels[shell], expansions[group]));
      }
    }
    largest = first.sized(kernels[kernels.length - 1], expansions[expansions.length - 1]);
  }

  /**
   * {@return the choices of a space, in its order}
   *
   * @param space whose choices they are
   * @throws SextantException naming the first layer whose candidates do not nest, and why
   */
  public static List<NestedChoice> of(Space space) {
    if (!space.widthChoices().isEmpty()) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "superkernel: %s searches widths, which need collapsed weights",
              space.name()));
    }
    List<NestedChoice> choices = new ArrayList<>();
    for (int i = 0; i < space.positions().size(); i++) {
      if (space.positions().get(i) instanceof Position.Choice(List<Layer> candidates)) {
        String where =
            String.format(Locale.ROOT, "superkernel: layers[%d] of %s: ", i, space.name());
        List<MbConv> blocks = blocks(candidates);
        if (blocks.isEmpty()) {
          throw new SextantException(
              where + candidates.getFirst().label() + " has no depthwise kernel to search");
        }
        MbConv first = blocks.getFirst();
        String fault = fault(candidates, first);
        if (fault != null) {
          throw new SextantException(where + fault);
        }
        choices.add(new NestedChoice(candidates, first));
      }
    }
    return List.copyOf(choices);
  }

  /** Why the candidates do not nest, or null if they do. */
  private static @Nullable String fault(List<Layer> candidates, MbConv first) {
    boolean skips = candidates.stream().anyMatch(Skip.class::isInstance);
    List<MbConv> blocks = blocks(candidates);
    if (blocks.size() != candidates.size() - (skips ? 1 : 0)) {
      return "candidates other than blocks of depthwise kernels and skip";
    }
    for (MbConv block : blocks) {
      if (!block.equals(first.sized(block.kernel(), block.expand()))) {
        return block.label()
            + " differs from "
            + first.label()
            + " in more than kernel and expansion";
      }
    }
    int[] expansions = distinct(blocks.stream().map(MbConv::expand).toList());
    int kernels = distinct(blocks.stream().map(MbConv::kernel).toList()).length;
    if (blocks.size() != kernels * expansions.length) {
      return "not all combinations of its kernels and expansions are candidates";
    }
    if (first.squeezeExcite() > 0) {
      return "squeeze-and-excite mixes channels that may be absent";
    }
    if (expansions[0] == 1 && expansions.length > 1) {
      return "expansion 1 has no expansion convolution, and so lies inside no other";
    }
    if (skips && !first.residual()) {
      return "without a shortcut a layer that is left out would leave nothing (residual)";
    }
    return null;
  }

  private static List<MbConv> blocks(List<Layer> candidates) {
    List<MbConv> blocks = new ArrayList<>();
    for (Layer candidate : candidates) {
      if (candidate instanceof MbConv block) {
        blocks.add(block);
      }
    }
    return blocks;
  }

  private static int[] distinct(List<Integer> values) {
    return new TreeSet<>(values).stream().mapToInt(Integer::intValue).toArray();
  }

  /** {@return the candidate that holds all others} */
  public MbConv largest() {
    return largest;
  }

  /** {@return how many candidates there are} */
  public int size() {
    return candidates.size();
  }

  /**
   * {@return the place of a candidate}
   *
   * @param candidate one of the choice's
   */
  public int index(Layer candidate) {
    return candidates.indexOf(candidate);
  }

  /** {@return whether skip is a candidate} */
  public boolean skips() {
    return skip >= 0;
  }

  /** {@return how many kernel sizes there are} */
  public int shells() {
    return kernels.length;
  }

  /** {@return how many expansions there are} */
  public int groups() {
    return expansions.length;
  }

  /**
   * {@return the candidate of the kernel and the expansion of those places, each counted from the
   * least}
   *
   * @param shell counted from the smallest kernel
   * @param group counted from the smallest expansion
   */
  public int candidate(int shell, int group) {
    return ofSizes[shell][group];
  }

  /**
   * {@return how the depthwise kernels of the candidates lie in one another}
   *
   * @param inputChannels channels of the block's input
   */
  public Nesting nesting(int inputChannels) {
    int[] channels = expansions.clone();
    for (int group = 0; group < channels.length; group++) {
      channels[group] = Math.multiplyExact(expansions[group], inputChannels);
    }
    return new Nesting(kernels, channels);
  }

  /**
   * {@return gates of a nesting, the same for every number of channels: one for each shell but the
   * first, then that of the layer, then one for each group but the first}
   */
  public int gates() {
    return shells() - 1 + groups();
  }

  /** {@return the gate of the layer: where it is shut the layer is skipped} */
  public int layerGate() {
    return shells() - 1;
  }

  /**
   * {@return whether a gate can be shut: that of the layer only where skip is a candidate}
   *
   * @param gate index of the gate
   */
  public boolean decides(int gate) {
    return gate != layerGate() || skips();
  }

  /**
   * {@return whether a candidate has a gate open (1), shut (0), or leaves it undecided (-1), as a
   * skipped layer does with its other gates and a small kernel with the shells beyond the next}
   *
   * @param candidate its index among the candidates
   * @param gate index of the gate
   */
  public int state(int candidate, int gate) {
    if (candidates.get(candidate) instanceof MbConv block) {
      int[] sizes = gate < layerGate() ? kernels : expansions;
      int size = gate < layerGate() ? block.kernel() : block.expand();
      // Gate g of a list opens size g + 1; group 0 has the layer's.
      int opens = gate < layerGate() ? gate + 1 : gate - layerGate();
      return size >= sizes[opens] ? 1 : size == sizes[opens - 1] ? 0 : -1;
    }
    return gate == layerGate() ? 0 : -1;
  }

  /**
   * {@return the candidate that these gates leave, each open where it is not 0}
   *
   * @param gates one number for each gate of the nesting
   */
  public int decode(double[] gates) {
    if (skips() && gates[layerGate()] == 0) {
      return skip;
    }
    int shell = 0;
    while (shell < shells() - 1 && gates[shell] != 0) {
      shell++;
    }
    int group = 0;
    while (group < groups() - 1 && gates[layerGate() + group + 1] != 0) {
      group++;
    }
    return candidate(shell, group);
  }
}
