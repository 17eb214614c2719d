package dev.sextant.nas.supernet;

import dev.sextant.autograd.Tape;
import dev.sextant.tensor.Tensor;

/** A candidate of a {@link MixedLayer}: what the gradient of its gate needs of it. */
public interface GateCandidate {
  /** {@return whether the output is the input plus a function of it} */
  boolean hasShortcut();

  /**
   * {@return ⟨dy, o(x)⟩, where o is the candidate without its identity shortcut if it {@link
   * #hasShortcut}: ProxylessNAS's gradient of the gate of a candidate that is not active (Appendix
   * D, eq. 9)}
   *
   * <p>Nothing is recorded, nothing is kept, and running statistics stay.
   *
   * @param tape of the pass, for its backend and mode
   * @param x the input
   * @param dy the gradient of the output, of its shape
   */
  double innerProduct(Tape tape, Tensor x, Tensor dy);
}
