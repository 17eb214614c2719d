package dev.sextant.nas.supernet;

import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.ops.Conv2d;
import dev.sextant.autograd.ops.Rematerialize;
import dev.sextant.runtime.layer.Conv;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.tensor.Shape;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/** Dense convolutions of several kernel sizes, each with weights of its own, of shared widths. */
final class SharedConvolution extends SharedKernels {
  private record Kernel(Parameter weight, @Nullable Norm norm, @Nullable Parameter bias) {}

  private final SequencedMap<Integer, Kernel> kernels = new LinkedHashMap<>();
  private final List<Conv> candidates;
  private final Averaging averaging;
  private Conv selected;
  private boolean averaged;

  /** Convolutions with fresh weights, of the largest widths. */
  SharedConvolution(
      List<Conv> candidates, int in, double epsilon, Averaging averaging, Initializer init) {
    super(epsilon);
    this.candidates = List.copyOf(candidates);
    this.averaging = averaging;
    selected = candidates.getFirst();
    for (Conv conv : candidates) {
      int k = conv.kernel();
      String prefix = "kernel_" + k + ".";
      Parameter weight =
          parameter(
              prefix + (conv.batchNorm() ? "convolution.weight" : "weight"),
              init.heFanOut(Shape.of(k, k, in, conv.out()), k * k * conv.out()));
      kernels.put(
          k,
          conv.batchNorm()
              ? new Kernel(weight, norm(init, prefix + "norm", conv.out()), null)
              : new Kernel(
                  weight,
                  null,
                  parameter(prefix + "bias", init.constant(conv.out(), 0, Parameter.Role.BIAS))));
    }
  }

  @Override
  void setCandidate(Layer candidate, Averages averages) {
    selected = (Conv) candidate;
    averaged = averages.layers();
  }

  @Override
  @Nullable Parameter source(Layer candidate, String path) {
    return parameters().get("kernel_" + ((Conv) candidate).kernel() + "." + path);
  }

  @Override
  public Variable forward(Tape tape, Variable x) {
    int out = selected.out();
    if (!averaged) {
      return convolve(tape, x, selected, out);
    }
    List<Rematerialize.Segment> branches = new ArrayList<>();
    for (Conv conv : candidates) {
      branches.add((inside, input) -> convolve(inside, input, conv, out));
    }
    return averaging.mean(tape, x, branches);
  }

  private Variable convolve(Tape tape, Variable x, Conv conv, int out) {
    Kernel kernel = kernels.get(conv.kernel());
    if (kernel == null) {
      throw new IllegalArgumentException("no kernel " + conv.kernel());
    }
    Variable w = narrow(tape, kernel.weight, x.shape().channels(), out);
    Variable z = Conv2d.apply(tape, x, w, conv.window());
    w.release();
    if (kernel.norm != null) {
      return normalize(tape, z, kernel.norm, conv.activation(), null);
    }
    return kernel.bias == null ? z : biased(tape, z, kernel.bias, conv.activation());
  }
}
