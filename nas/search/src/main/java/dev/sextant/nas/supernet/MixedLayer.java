package dev.sextant.nas.supernet;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.Module;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A choice among candidates of which one is active: y = sum of g_j o_j(x) with binary gates g
 * (ProxylessNAS, eq. 3). Weight steps and evaluation run the active candidate alone. An
 * architecture step also finds ∂L/∂g_j = ⟨∇y, o_j(x)⟩ (eq. 9), for candidates whose gate is 0 too,
 * and for the zero operation whether it is active or not.
 */
public final class MixedLayer extends Module {
  private final List<Module> candidates;
  private final boolean allHaveShortcuts;
  private final double[] gateGradients;
  private int active;
  private int[] sampled = new int[0];
  private @Nullable GateMode mode;

  /** A choice among these, the first active. */
  public MixedLayer(List<Module> candidates) {
    this.candidates = List.copyOf(candidates);
    for (int j = 0; j < candidates.size(); j++) {
      child("choice." + j, candidates.get(j));
    }
    allHaveShortcuts = candidates.stream().allMatch(Module::hasShortcut);
    gateGradients = new double[candidates.size()];
  }

  /** The candidates in the order of the space. */
  public List<Module> candidates() {
    return candidates;
  }

  /** The candidate whose gate is 1. */
  public int active() {
    return active;
  }

  /** Opens one gate, for passes that do not ask for gates' gradients. */
  public void activate(int candidate) {
    active = candidate;
    mode = null;
  }

  /**
   * Opens one gate and has the next forward and backward pass find gates' gradients.
   *
   * @param sampled candidates whose gates' gradients are wanted, the active one among them
   */
  public void activate(int candidate, GateMode mode, int... sampled) {
    if (Arrays.stream(sampled).noneMatch(j -> j == candidate)) {
      throw new SextantException(
          "gates: the active candidate %d is not sampled".formatted(candidate));
    }
    active = candidate;
    this.mode = mode;
    this.sampled = sampled.clone();
    Arrays.fill(gateGradients, 0);
  }

  /** ∂L/∂g for every candidate, 0 for those not sampled; valid after a backward pass. */
  public double[] gateGradients() {
    return gateGradients.clone();
  }

  @Override
  public Variable forward(Tape tape, Variable x) {
    return switch (mode) {
      case null -> candidates.get(active).forward(tape, x);
      case RECOMPUTE -> forwardRecomputing(tape, x);
      case TWO_PATH, ALL_PATHS -> forwardKeeping(tape, x);
    };
  }

  /**
   * The active path runs between two ops: the second, first in the backward pass, holds on to the
   * output's gradient; the first, once the active path's memory is free again, runs the other
   * candidates on x. Where x needs no gradient the path is not recorded at all, and the second op
   * does both.
   */
  private Variable forwardRecomputing(Tape tape, Variable x) {
    Variable gate = gate(tape);
    Held held = new Held();
    boolean recorded = tape.records(x);
    Variable entered = x;
    if (recorded) {
      entered =
          tape.record(
              "gates.enter",
              x.value().share(),
              new Variable[] {x},
              new Variable[] {x},
              dx -> {
                Tensor dy = held.take();
                findGateGradients(tape, x.value(), dy);
                dy.close();
                tape.accumulate(x, dx.share());
              });
    }
    Variable out = candidates.get(active).forward(tape, entered);
    Variable y =
        tape.record(
            "gates.exit",
            out.value().share(),
            new Variable[] {out, gate},
            recorded ? new Variable[0] : new Variable[] {x},
            dy -> {
              if (recorded) {
                held.put(dy.share());
                tape.accumulate(out, dy.share());
              } else {
                findGateGradients(tape, x.value(), dy);
              }
            });
    if (entered != x && entered != out) {
      entered.release();
    }
    if (out != x) {
      out.release();
    }
    return y;
  }

  /** The output's gradient between the two ops. */
  private static final class Held {
    private @Nullable Tensor tensor;

    void put(Tensor tensor) {
      this.tensor = tensor;
    }

    Tensor take() {
      Tensor held = tensor;
      if (held == null) {
        throw new IllegalStateException("the path's gradient came before the output's");
      }
      tensor = null;
      return held;
    }
  }

  /** Inner products of the gradient with each sampled candidate, recomputed one at a time. */
  private void findGateGradients(Tape tape, Tensor x, Tensor dy) {
    // A shortcut adds <dy, x> to a gate's gradient. One common to all candidates cancels in eq. 4
    // (only differences between candidates count), so it is left out there.
    double shortcut = allHaveShortcuts ? 0 : shortcutProduct(tape.backend(), x, dy);
    for (int j : sampled) {
      Module candidate = candidates.get(j);
      gateGradients[j] =
          candidate.innerProduct(tape, x, dy) + (candidate.hasShortcut() ? shortcut : 0);
    }
  }

  private static double shortcutProduct(Backend backend, Tensor x, Tensor dy) {
    return x.shape().equals(dy.shape()) ? backend.dot(x, dy) : 0;
  }

  /** The outputs of all sampled candidates are kept until the gradient comes. */
  private Variable forwardKeeping(Tape tape, Variable x) {
    Variable gate = gate(tape);
    Variable out = candidates.get(active).forward(tape, x);
    List<Tensor> outputs = new ArrayList<>();
    for (int j : sampled) {
      outputs.add(j == active ? out.value().share() : output(tape, x, candidates.get(j)));
    }
    Variable y =
        tape.record(
            "gates.exit",
            out.value().share(),
            new Variable[] {out, gate},
            new Variable[0],
            dy -> {
              for (int i = 0; i < sampled.length; i++) {
                gateGradients[sampled[i]] = tape.backend().dot(outputs.get(i), dy);
                outputs.get(i).close();
              }
              tape.accumulate(out, dy.share());
            });
    if (out != x) {
      out.release();
    }
    return y;
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
