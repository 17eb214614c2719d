package dev.sextant.nas.space;

import dev.sextant.runtime.layer.Layer;
import dev.sextant.tensor.SextantException;
import java.util.List;
import java.util.Locale;

/** One place in the chain of a {@link Space}. Immutable. */
public sealed interface Position {
  /** Most candidates of one choice. */
  int MAX_CANDIDATES = 64;

  /** {@return the layers that can stand here} */
  List<Layer> layers();

  /**
   * A layer that every network of the space has.
   *
   * @param layer the layer
   */
  record Fixed(Layer layer) implements Position {
    @Override
    public List<Layer> layers() {
      return List.of(layer);
    }
  }

  /**
   * A choice among layers that all give the same shape.
   *
   * @param candidates the layers, their widths and strides given; the index of one is a decision
   */
  record Choice(List<Layer> candidates) implements Position {
    /** Checks the number of candidates, that none comes twice, and what no chain can hold. */
    public Choice {
      candidates = List.copyOf(candidates);
      if (candidates.isEmpty() || candidates.size() > MAX_CANDIDATES) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "choice: %d candidates is not between 1 and %d",
                candidates.size(),
                MAX_CANDIDATES));
      }
      for (int i = 0; i < candidates.size(); i++) {
        Layer candidate = candidates.get(i);
        String fault = candidate.type().whyNotACandidate();
        if (fault != null) {
          throw new SextantException(String.format(Locale.ROOT, "choice[%d]: %s", i, fault));
        }
        if (candidate.stride() != candidates.getFirst().stride()) {
          throw new SextantException(
              String.format(
                  Locale.ROOT,
                  "choice[%d]: stride %d differs from the %d of choice[0]",
                  i,
                  candidate.stride(),
                  candidates.getFirst().stride()));
        }
        int first = candidates.indexOf(candidate);
        if (first < i) {
          throw new SextantException(
              String.format(Locale.ROOT, "choice[%d]: the same as choice[%d]", i, first));
        }
      }
    }

    @Override
    public List<Layer> layers() {
      return candidates;
    }
  }
}
