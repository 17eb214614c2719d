package dev.sextant.nas.supernet;

import dev.sextant.autograd.Tape;
import dev.sextant.tensor.Tensor;

/** A candidate of a {@link MixedLayer}: what the gradient of its gate needs of it. */
public interface GateCandidate {
  /** Whether the output is the input plus a function of it. */
  boolean hasShortcut();

  /**
   * ⟨dy, o(x)⟩, where o is the candidate without its identity shortcut if it {@link #hasShortcut}:
   * ProxylessNAS's gradient of the gate of a candidate that is not active (Appendix D, eq. 9).
   * Nothing is recorded, nothing is kept, and running statistics stay.
   *
   * @param x the input
   * @param dy the gradient of the output, of its shape
   */
  double innerProduct(Tape tape, Tensor x, Tensor dy);
}
