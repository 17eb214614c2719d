package dev.sextant.bench.libtorch;

import static dev.sextant.bench.libtorch.OpLine.constant;
import static dev.sextant.bench.libtorch.OpLine.plain;
import static dev.sextant.bench.libtorch.OpLine.within;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.ops.Concat;
import dev.sextant.autograd.ops.GateRows;
import dev.sextant.autograd.ops.Reshape;
import dev.sextant.autograd.ops.Superkernel;
import dev.sextant.autograd.ops.SuperkernelGates;
import dev.sextant.bench.libtorch.OpLine.Input;
import dev.sextant.tensor.Nesting;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** Superkernels, their gates open and shut. */
final class SuperkernelLines {
  private SuperkernelLines() {}

  static List<OpLine> lines() {
    List<Nesting> nestings =
        List.of(
            new Nesting(new int[] {1, 3}, new int[] {1}),
            new Nesting(new int[] {3, 5}, new int[] {8, 17}),
            new Nesting(new int[] {3, 5, 7}, new int[] {3, 17, 33}));
    List<OpLine> table = new ArrayList<>();
    for (Nesting nesting : nestings) {
      // Weights have a root mean square of 0.58: all gates open, then some.
      table.add(superkernel(nesting, -0.5, 0.2));
      table.add(superkernel(nesting, 0.1, 0.9));
      table.add(gates(nesting));
      table.add(gatedGroups(nesting));
      table.add(gatedLayer(nesting));
    }
    return table;
  }

  private static OpLine gates(Nesting nesting) {
    return new OpLine(
        SuperkernelGates.class,
        (t, v) -> SuperkernelGates.apply(t, v[0], v[1], scales(t, v[1].shape()), nesting),
        "torch.stack([" + String.join(", ", gateCode(nesting)) + "])",
        TensorRole.PLAIN,
        nesting.toString(),
        inputs(nesting, -0.5, 0.9));
  }

  private static OpLine gatedGroups(Nesting nesting) {
    List<String> parts = new ArrayList<>();
    String factor = "";
    for (int group = 0; group < nesting.groups(); group++) {
      String rows =
          "torch.slice(x0, 0, %d, %d)"
              .formatted(nesting.firstChannel(group), nesting.channels(group));
      if (group > 0) {
        String gate = "torch.select(x1, 0, %d)".formatted(nesting.layerGate() + group);
        factor = factor.isEmpty() ? gate : "torch.mul(%s, %s)".formatted(factor, gate);
      }
      parts.add(factor.isEmpty() ? rows : "torch.mul(%s, %s)".formatted(rows, factor));
    }
    return new OpLine(
        GateRows.class,
        (t, v) -> GateRows.groups(t, v[0], v[1], nesting),
        "torch.cat([" + String.join(", ", parts) + "])",
        TensorRole.PLAIN,
        "groups of " + nesting,
        List.of(plain(nesting.channels(), 5), within(0.3, 1.5, nesting.gates())));
  }

  private static OpLine gatedLayer(Nesting nesting) {
    return new OpLine(
        GateRows.class,
        (t, v) -> GateRows.layer(t, v[0], v[1], nesting),
        "torch.mul(x0, torch.select(x1, 0, %d))".formatted(nesting.layerGate()),
        TensorRole.PLAIN,
        "layer of " + nesting,
        List.of(plain(7), within(0.3, 1.5, nesting.gates())));
  }

  private static OpLine superkernel(Nesting nesting, double low, double high) {
    return new OpLine(
        Superkernel.class,
        (t, v) -> superkernel(t, nesting, v),
        superkernel(nesting),
        TensorRole.PLAIN,
        "%s, thresholds %s to %s".formatted(nesting, low, high),
        inputs(nesting, low, high));
  }

  /** Weights, thresholds, and the masks of shells and groups for libtorch. */
  private static List<Input> inputs(Nesting nesting, double low, double high) {
    Shape shape = nesting.shape();
    List<Input> inputs = new ArrayList<>();
    inputs.add(plain(shape.get(0), shape.get(1), shape.get(2)));
    inputs.add(within(low, high, nesting.gates()));
    for (int shell = 0; shell < nesting.shells(); shell++) {
      inputs.add(constant(shape, shellMask(nesting, shell)));
    }
    for (int group = 0; group < nesting.groups(); group++) {
      inputs.add(constant(shape, groupMask(nesting, group)));
    }
    return inputs;
  }

  /** Taps between two kernel sizes, of all channels. */
  static float[] shellMask(Nesting nesting, int shell) {
    int k = nesting.kernel();
    int inner = shell == 0 ? -1 : nesting.kernel(shell - 1) / 2;
    int outer = nesting.kernel(shell) / 2;
    float[] mask = new float[nesting.shape().size()];
    for (int i = 0; i < mask.length; i++) {
      int tap = i / nesting.channels();
      int distance = Math.max(Math.abs(tap / k - k / 2), Math.abs(tap % k - k / 2));
      mask[i] = distance > inner && distance <= outer ? 1 : 0;
    }
    return mask;
  }

  /** Channels between two numbers of them, of all taps. */
  static float[] groupMask(Nesting nesting, int group) {
    int first = group == 0 ? 0 : nesting.channels(group - 1);
    float[] mask = new float[nesting.shape().size()];
    for (int i = 0; i < mask.length; i++) {
      int channel = i % nesting.channels();
      mask[i] = channel >= first && channel < nesting.channels(group) ? 1 : 0;
    }
    return mask;
  }

  /** What an open gate is. */
  static float gateScale(int gate) {
    return 1 + 0.25f * gate;
  }

  private static Tensor scales(Tape tape, Shape shape) {
    float[] values = new float[shape.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = gateScale(i);
    }
    Tensor scales = tape.output(shape, "scales");
    tape.backend().upload(values, 0, scales);
    return scales;
  }

  private static Variable superkernel(Tape tape, Nesting nesting, Variable... x) {
    Tensor scales = scales(tape, x[1].shape());
    Variable gates = Superkernel.gates(tape, nesting);
    Variable effective = Superkernel.apply(tape, x[0], x[1], scales, nesting, gates);
    // The gates have a gradient of their own, as from the runtime (eq. 11 and 12).
    return Concat.apply(
        tape, Reshape.apply(tape, effective, Shape.of(effective.shape().size())), gates);
  }

  /** Eq. 1 to 4 with autograd's gradients, gates straight through a sigmoid. */
  private static String superkernel(Nesting nesting) {
    int shells = nesting.shells();
    List<String> gates = gateCode(nesting);
    String kernel = nested("x0", 2, shells, gates);
    String effective =
        nested(kernel, 2 + shells, nesting.groups(), gates.subList(shells, gates.size()));
    return "torch.cat([torch.reshape(%s, [-1]), torch.stack([%s])])"
        .formatted(effective, String.join(", ", gates));
  }

  /**
   * The gates of a nesting: of the kernel x0, thresholds x1, and masks of its shells and groups
   * from x2 on.
   */
  static List<String> gateCode(Nesting nesting) {
    int shells = nesting.shells();
    List<String> gates = new ArrayList<>();
    for (int shell = 1; shell < shells; shell++) {
      gates.add(gate(masked("x0", 2 + shell), "x" + (2 + shell), gates.size()));
    }
    String kernel = nested("x0", 2, shells, gates);
    for (int group = 0; group < nesting.groups(); group++) {
      String mask = "x" + (2 + shells + group);
      gates.add(gate(masked(kernel, 2 + shells + group), mask, gates.size()));
    }
    return gates;
  }

  private static String masked(String x, int mask) {
    return "torch.mul(%s, x%d)".formatted(x, mask);
  }

  /** part 0 + gate 1 (part 1 + gate 2 (part 2 …)), the parts by their masks. */
  static String nested(String x, int firstMask, int parts, List<String> gates) {
    String sum = masked(x, firstMask + parts - 1);
    for (int part = parts - 2; part >= 0; part--) {
      String outer = "torch.mul(%s, %s)".formatted(gates.get(part), sum);
      sum = "torch.add(%s, %s)".formatted(masked(x, firstMask + part), outer);
    }
    return sum;
  }

  private static String gate(String part, String mask, int index) {
    String norm =
        "torch.sqrt(torch.div(torch.sum(torch.mul(%1$s, %1$s)), torch.sum(%2$s)))"
            .formatted(part, mask);
    String above = "torch.sub(%s, torch.select(x1, 0, %d))".formatted(norm, index);
    String soft = "torch.sigmoid(%s)".formatted(above);
    String hard = Precision.DOUBLE.cast("torch.ge(%s, 0)".formatted(above));
    return "torch.mul(torch.add(%1$s, torch.detach(torch.sub(%2$s, %1$s))), %3$s)"
        .formatted(soft, hard, gateScale(index));
  }
}
