package dev.sextant.nas.supernet;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.Module;
import dev.sextant.autograd.nn.Sequential;
import dev.sextant.autograd.ops.Add;
import dev.sextant.autograd.ops.Concat;
import dev.sextant.autograd.ops.Reshape;
import dev.sextant.autograd.ops.SliceChannels;
import dev.sextant.runtime.layer.Junction;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Modules one after the other, with forks among them ({@link Junction}) and predictors of objects
 * ({@link dev.sextant.runtime.layer.Detect}), whose predictions are then the output.
 */
final class Chain {
  private Chain() {}

  /** A place where the chain parts or meets; of no weights. */
  static final class JunctionModule extends Module {
    private final Junction.Kind kind;

    JunctionModule(Junction layer) {
      kind = layer.kind();
    }

    /** By how many open forks there are more behind it than before. */
    int opens() {
      return switch (kind) {
        case FORK -> 1;
        case NEXT -> 0;
        case SUM -> -1;
      };
    }

    @Override
    public Variable forward(Tape tape, Variable x) {
      throw new IllegalStateException(kind + " means nothing alone");
    }
  }

  /**
   * A value on its way.
   *
   * @param owned whether it is to be released once it was read; not what a fork still holds, nor
   *     the caller's
   */
  private record Held(Variable value, boolean owned) {
    void release() {
      if (owned) {
        value.release();
      }
    }

    Held borrowed() {
      return new Held(value, false);
    }
  }

  /** A fork that no sum has ended yet. */
  private static final class Fork {
    private final Held input;
    private @Nullable Held sum;

    Fork(Held input) {
      this.input = input;
    }

    /** Takes a branch's output in. */
    Held add(Tape tape, Held output) {
      Held before = sum;
      if (before == null) {
        sum = output;
        return output;
      }
      Held both = new Held(Chain.sum(tape, before.value, output.value), true);
      before.release();
      output.release();
      sum = both;
      return both;
    }
  }

  /** Runs them; the input stays the caller's, the output is new. */
  static Variable run(Tape tape, List<Module> modules, Variable x) {
    if (isPlain(modules)) {
      // Takes nothing from the heap, unlike what follows.
      return Sequential.run(tape, modules, x);
    }
    Deque<Fork> forks = new ArrayDeque<>();
    List<Variable> predictions = new ArrayList<>();
    Held y = new Held(x, false);
    for (int i = 0; i < modules.size(); i++) {
      Module module = modules.get(i);
      if (module instanceof JunctionModule junction) {
        y = run(tape, junction.kind, forks, y);
      } else if (detects(module)) {
        predictions.add(module.forward(tape, y.value));
      } else {
        Held next = new Held(module.forward(tape, y.value), true);
        y.release();
        y = next;
      }
    }
    if (!predictions.isEmpty()) {
      y.release();
      return sideBySide(tape, predictions);
    }
    return y.owned ? y.value : Reshape.apply(tape, y.value, y.value.shape());
  }

  private static Variable sideBySide(Tape tape, List<Variable> predictions) {
    if (predictions.size() == 1) {
      return predictions.getFirst();
    }
    Variable all = Concat.apply(tape, predictions.toArray(Variable[]::new));
    predictions.forEach(Variable::release);
    return all;
  }

  private static boolean detects(Module module) {
    return module instanceof LayerModule layer && layer.detects();
  }

  private static boolean isPlain(List<Module> modules) {
    for (int i = 0; i < modules.size(); i++) {
      if (modules.get(i) instanceof JunctionModule || detects(modules.get(i))) {
        return false;
      }
    }
    return true;
  }

  private static Held run(Tape tape, Junction.Kind kind, Deque<Fork> forks, Held y) {
    return switch (kind) {
      case FORK -> {
        forks.push(new Fork(y));
        yield y.borrowed();
      }
      case NEXT -> {
        forks.element().add(tape, y);
        yield forks.element().input.borrowed();
      }
      case SUM -> {
        Held sum = forks.element().add(tape, y);
        forks.pop().input.release();
        yield sum;
      }
    };
  }

  /** Values of one height and width; what the narrower lacks is zero. */
  private static Variable sum(Tape tape, Variable a, Variable b) {
    boolean swap = a.shape().channels() < b.shape().channels();
    Variable wide = swap ? b : a;
    Variable narrow = swap ? a : b;
    int common = narrow.shape().channels();
    int all = wide.shape().channels();
    if (common == all) {
      return Add.apply(tape, a, b);
    }
    Variable head = SliceChannels.apply(tape, wide, 0, common);
    Variable sum = Add.apply(tape, head, narrow);
    Variable tail = SliceChannels.apply(tape, wide, common, all);
    Variable whole = Concat.apply(tape, sum, tail);
    head.release();
    sum.release();
    tail.release();
    return whole;
  }
}
