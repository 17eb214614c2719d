package dev.sextant.autograd;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Ops that a tape does not use now: a list for each kind, so that a step makes none. */
final class SpareOps {
  /** The first of each list, by the number of the kind. */
  private @Nullable Op[] first = new Op[16];

  /** A spare op, or a new one. */
  <T extends Op> T take(Op.Kind<T> kind) {
    if (kind.number() < first.length) {
      // Ops are kept by kind, and the kind makes only ops of its class.
      @SuppressWarnings("unchecked")
      T op = (T) first[kind.number()];
      if (op != null) {
        first[kind.number()] = ((Op) op).next;
        return op;
      }
    }
    return kind.make();
  }

  /** Clears an op and takes it back. */
  void putBack(Op op) {
    op.clear();
    int kind = op.kind().number();
    if (kind >= first.length) {
      first = Arrays.copyOf(first, Math.max(kind + 1, 2 * first.length));
    }
    op.next = first[kind];
    first[kind] = op;
  }
}
