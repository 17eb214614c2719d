package dev.sextant.nas.supernet;

import dev.sextant.autograd.Op;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.Module;
import dev.sextant.autograd.ops.Rematerialize;
import dev.sextant.nas.workers.Sharing;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A choice among candidates of which one is active: y = sum of g_j o_j(x) with binary gates g
 * (ProxylessNAS, eq. 3). Weight steps and evaluation run the active candidate alone. An
 * architecture step also finds ∂L/∂g_j = ⟨∇y, o_j(x)⟩ (eq. 9), for candidates whose gate is 0 too,
 * and for the zero operation whether it is active or not.
 */
public final class MixedLayer extends Module {
  private final List<Module> candidates;
  private final List<GateCandidate> gated;
  private final boolean allHaveShortcuts;
  private final double[] gateGradients;
  private final Averaging averaging;
  private boolean averaged;
  private int active;

  /** The candidates whose gates' gradients are wanted: the first {@code sampledCount}. */
  private final int[] sampled;

  private int sampledCount;
  private @Nullable GateMode mode;

  /**
   * A choice among these, the first active.
   *
   * @param <M> the class of the candidates
   * @param candidates in the order of the space
   * @param averaging for {@link #average}
   */
  public <M extends Module & GateCandidate> MixedLayer(List<M> candidates, Averaging averaging) {
    this.averaging = averaging;
    this.candidates = List.copyOf(candidates);
    for (int j = 0; j < candidates.size(); j++) {
      child("choice." + j, candidates.get(j));
    }
    gated = List.copyOf(candidates);
    allHaveShortcuts = gated.stream().allMatch(GateCandidate::hasShortcut);
    gateGradients = new double[candidates.size()];
    sampled = new int[candidates.size()];
  }

  /** {@return the candidates in the order of the space} */
  public List<Module> candidates() {
    return candidates;
  }

  /** {@return the candidate whose gate is 1} */
  public int active() {
    return active;
  }

  /**
   * Opens one gate, for passes that do not ask for gates' gradients.
   *
   * @param candidate its index among the candidates
   */
  public void activate(int candidate) {
    active = candidate;
    averaged = false;
    mode = null;
  }

  /** Has the next passes take the mean of all candidates (TuNAS's op warm-up). */
  public void average() {
    averaged = true;
    mode = null;
  }

  /**
   * Opens one gate and has the next forward and backward pass find gates' gradients.
   *
   * @param candidate its index among the candidates
   * @param mode how the gradients of gates are found
   * @param sampled candidates whose gates' gradients are wanted, the active one among them
   */
  public void activate(int candidate, GateMode mode, int... sampled) {
    boolean found = false;
    for (int j : sampled) {
      found |= j == candidate;
    }
    if (!found) {
      throw new SextantException(
          String.format(Locale.ROOT, "gates: the active candidate %d is not sampled", candidate));
    }
    active = candidate;
    averaged = false;
    this.mode = mode;
    sampledCount = sampled.length;
    System.arraycopy(sampled, 0, this.sampled, 0, sampledCount);
    Arrays.fill(gateGradients, 0);
  }

  /** {@return ∂L/∂g for every candidate, 0 for those not sampled; valid after a backward pass} */
  public double[] gateGradients() {
    return gateGradients.clone();
  }

  /** Shares the gates' gradients, after a pass that has found them. */
  void share(Sharing sharing) {
    if (mode != null) {
      sharing.numbers(gateGradients);
    }
  }

  /**
   * {@return one of the {@link #gateGradients()}}
   *
   * @param candidate its index among the candidates
   */
  public double gateGradient(int candidate) {
    return gateGradients[candidate];
  }

  @Override
  public Variable forward(Tape tape, Variable x) {
    return switch (mode) {
      case null ->
          averaged ? averaging.mean(tape, x, branches()) : candidates.get(active).forward(tape, x);
      case RECOMPUTE -> forwardRecomputing(tape, x);
      case TWO_PATH, ALL_PATHS -> forwardKeeping(tape, x);
    };
  }

  private List<Rematerialize.Segment> branches() {
    List<Rematerialize.Segment> branches = new ArrayList<>();
    for (Module candidate : candidates) {
      branches.add(candidate::forward);
    }
    return branches;
  }

  /**
   * The active path runs between two ops: the second, first in the backward pass, has the active
   * candidate's output and holds on to its gradient; the first, once the active path's memory is
   * free again, runs the other candidates on x. Where x needs no gradient the path is not recorded
   * at all, and the second op does both.
   */
  private Variable forwardRecomputing(Tape tape, Variable x) {
    Variable gate = gate(tape);
    Exit exit = tape.op(Exit.KIND);
    exit.layer = this;
    Variable entered = x;
    if (tape.records(x)) {
      Tensor same = x.value().share();
      Enter enter = tape.op(Enter.KIND);
      enter.layer = this;
      enter.x = enter.input(enter.save(x));
      entered = tape.record(enter, same);
      exit.enter = enter;
    } else {
      exit.enter = null;
      exit.x = exit.save(x);
    }
    Variable out = candidates.get(active).forward(tape, entered);
    exit.out = exit.input(exit.save(out));
    exit.input(gate);
    Variable y = tape.record(exit, out.value().share());
    if (entered != x && entered != out) {
      entered.release();
    }
    if (out != x) {
      out.release();
    }
    return y;
  }

  /** Before the active path. */
  @SuppressWarnings("NullAway.Init") // fields are set before the op is recorded
  private static final class Enter extends Op {
    static final Kind<Enter> KIND = new Kind<>("gates.enter", Enter::new);

    private MixedLayer layer;
    private Variable x;

    /** The output's gradient, from the exit. */
    private @Nullable Tensor held;

    @Override
    protected void backward(Tape tape, Tensor dx) {
      Tensor dy = held;
      if (dy == null) {
        throw new IllegalStateException("the path's gradient came before the output's");
      }
      held = null;
      layer.findGateGradients(tape, x.value(), dy);
      dy.close();
      tape.accumulate(x, dx.share());
    }
  }

  /** Behind the active path. */
  @SuppressWarnings("NullAway.Init") // fields are set before the op is recorded
  private static final class Exit extends Op {
    static final Kind<Exit> KIND = new Kind<>("gates.exit", Exit::new);

    private MixedLayer layer;
    private Variable x;
    private Variable out;

    /** Null where the path is not recorded. */
    private @Nullable Enter enter;

    @Override
    protected void backward(Tape tape, Tensor dy) {
      layer.gateGradients[layer.active] = tape.backend().elementwise().dot(out.value(), dy);
      if (enter == null) {
        layer.findGateGradients(tape, x.value(), dy);
      } else {
        enter.held = dy.share();
        tape.accumulate(out, dy.share());
      }
    }
  }

  /**
   * Inner products of the gradient with the sampled candidates: that of the active one is there,
   * the others are recomputed one at a time.
   */
  private void findGateGradients(Tape tape, Tensor x, Tensor dy) {
    double shortcut = shortcutProduct(tape.backend(), x, dy);
    // One common to all candidates cancels in eq. 4 (only differences between candidates count), so
    // it is left out there.
    double common = allHaveShortcuts ? shortcut : 0;
    for (int i = 0; i < sampledCount; i++) {
      int j = sampled[i];
      GateCandidate candidate = gated.get(j);
      if (j == active) {
        gateGradients[j] -= common;
      } else {
        gateGradients[j] =
            candidate.innerProduct(tape, x, dy) + (candidate.hasShortcut() ? shortcut - common : 0);
      }
    }
  }

  private static double shortcutProduct(Backend backend, Tensor x, Tensor dy) {
    return x.shape().equals(dy.shape()) ? backend.elementwise().dot(x, dy) : 0;
  }

  /** The outputs of all sampled candidates are kept until the gradient comes. */
  private Variable forwardKeeping(Tape tape, Variable x) {
    Variable gate = gate(tape);
    Variable out = candidates.get(active).forward(tape, x);
    KeepingExit exit = tape.op(KeepingExit.KIND);
    exit.layer = this;
    exit.out = exit.input(out);
    exit.input(gate);
    if (exit.outputs.length < candidates.size()) {
      exit.outputs = new Tensor[candidates.size()];
    }
    for (int i = 0; i < sampledCount; i++) {
      int j = sampled[i];
      exit.outputs[i] = j == active ? out.value().share() : output(tape, x, candidates.get(j));
    }
    Variable y = tape.record(exit, out.value().share());
    if (out != x) {
      out.release();
    }
    return y;
  }

  /** Behind all sampled paths. */
  @SuppressWarnings("NullAway.Init") // fields are set before the op is recorded
  private static final class KeepingExit extends Op {
    static final Kind<KeepingExit> KIND = new Kind<>("gates.exit", KeepingExit::new);

    private MixedLayer layer;
    private Variable out;

    /** Of the sampled candidates, in their order. */
    private Tensor[] outputs = {};

    @Override
    protected void backward(Tape tape, Tensor dy) {
      for (int i = 0; i < layer.sampledCount; i++) {
        layer.gateGradients[layer.sampled[i]] = tape.backend().elementwise().dot(outputs[i], dy);
        outputs[i].close();
      }
      tape.accumulate(out, dy.share());
    }
  }

  private static Tensor output(Tape tape, Variable x, Module candidate) {
    try (Tape probe = tape.probe()) {
      return probe.yield(candidate.forward(probe, probe.constant(x.value())).value());
    }
  }

  /** A leaf that makes the tape record the exit even where nothing below needs a gradient. */
  private static Variable gate(Tape tape) {
    Tensor one = tape.backend().memory().floats(Shape.of(), Category.ACTIVATIONS, "gate");
    Variable gate = tape.leaf(one);
    gate.release();
    one.close();
    return gate;
  }
}
