package dev.sextant.autograd.ops;

import dev.sextant.autograd.Op;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Nesting;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.Arrays;
import java.util.Locale;

/**
 * Weights times gates of a superkernel: the rows of a kernel that reads its channels, by the gates
 * of the channels' groups; or all of some weights, by the gate of the layer (Single-Path NAS, eq.
 * 3). Batch norm after a masked channel would undo its gate; a gate on what reads the channel
 * holds.
 */
@SuppressWarnings("NullAway.Init") // fields are set before the op is recorded
public final class GateRows extends Op {
  private static final Kind<GateRows> KIND = new Kind<>("gate_rows", GateRows::new);

  private Variable w;
  private Variable gates;
  private Nesting nesting;
  private boolean wholeLayer;
  private float[] values = {};
  private float[] gradients = {};

  private GateRows() {}

  /**
   * {@return the rows of each group times the gates of the second group to this one; those of the
   * first group as they are}
   *
   * @param tape open; records the op if an input requires a gradient
   * @param w {@code [..., C, out]}, a row for each channel of the nesting
   * @param gates of {@link SuperkernelGates}
   * @param nesting kernel sizes and channels of the superkernel
   * @throws SextantException if the shapes do not fit the nesting
   */
  public static Variable groups(Tape tape, Variable w, Variable gates, Nesting nesting) {
    if (w.shape().rows() != nesting.channels()) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "gate_rows: %s has %d rows, the nesting %d channels (%s)",
              w.shape(),
              w.shape().rows(),
              nesting.channels(),
              nesting));
    }
    return apply(tape, w, gates, nesting, false);
  }

  /**
   * {@return all of some weights times the gate of the layer}
   *
   * @param tape open; records the op if an input requires a gradient
   * @param w of any shape
   * @param gates of {@link SuperkernelGates}
   * @param nesting kernel sizes and channels of the superkernel
   * @throws SextantException if the gates are not those of the nesting
   */
  public static Variable layer(Tape tape, Variable w, Variable gates, Nesting nesting) {
    return apply(tape, w, gates, nesting, true);
  }

  private static Variable apply(
      Tape tape, Variable w, Variable gates, Nesting nesting, boolean wholeLayer) {
    if (!gates.shape().equals(Shape.of(nesting.gates()))) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "gate_rows: %s gates, the nesting has %d (%s)",
              gates.shape(),
              nesting.gates(),
              nesting));
    }
    GateRows op = tape.op(KIND);
    op.w = op.input(op.save(w));
    op.gates = op.input(op.save(gates));
    op.nesting = nesting;
    op.wholeLayer = wholeLayer;
    if (op.values.length != nesting.gates()) {
      op.values = new float[nesting.gates()];
      op.gradients = new float[nesting.gates()];
    }
    Tensor y = tape.output(w.shape(), "gate_rows");
    tape.backend().download(gates.value(), op.values, 0);
    op.multiply(tape, w.value(), y);
    return tape.record(op, y);
  }

  @Override
  protected void backward(Tape tape, Tensor dy) {
    tape.backend().download(gates.value(), values, 0);
    if (gates.requiresGradient()) {
      Arrays.fill(gradients, 0);
      for (int part = 0; part < parts(); part++) {
        double slope = dot(tape, dy, part);
        for (int gate = firstGate(part); gate < endGate(part); gate++) {
          gradients[gate] += (float) (slope * factor(part, gate));
        }
      }
      Tensor dgates = tape.gradientLike(gates, "gate_rows.gates_gradient");
      tape.backend().upload(gradients, 0, dgates);
      tape.accumulate(gates, dgates);
    }
    if (w.requiresGradient()) {
      Tensor dw = tape.gradientLike(w, "gate_rows.gradient");
      multiply(tape, dy, dw);
      tape.accumulate(w, dw);
    }
  }

  private int parts() {
    return wholeLayer ? 1 : nesting.groups();
  }

  private int firstGate(int part) {
    return wholeLayer ? nesting.layerGate() : nesting.layerGate() + Math.min(1, part);
  }

  private int endGate(int part) {
    return wholeLayer ? nesting.layerGate() + 1 : firstGate(part) + part;
  }

  /** The product of a part's gates but one; of all of them where none is left out. */
  private double factor(int part, int leftOut) {
    double product = 1;
    for (int gate = firstGate(part); gate < endGate(part); gate++) {
      product *= gate == leftOut ? 1 : values[gate];
    }
    return product;
  }

  private void multiply(Tape tape, Tensor from, Tensor to) {
    for (int part = 0; part < parts(); part++) {
      try (Tensor x = part(from, part);
          Tensor y = part(to, part)) {
        tape.backend().elementwise().scale(x, (float) factor(part, -1), y);
      }
    }
  }

  private double dot(Tape tape, Tensor dy, int part) {
    try (Tensor x = part(w.value(), part);
        Tensor y = part(dy, part)) {
      return tape.backend().elementwise().dot(x, y);
    }
  }

  private Tensor part(Tensor tensor, int part) {
    if (wholeLayer) {
      return tensor.share();
    }
    try (Tensor rows = tensor.reshape(Shape.of(nesting.channels(), tensor.shape().channels()))) {
      return rows.slice(nesting.firstChannel(part), nesting.channels(part));
    }
  }
}
