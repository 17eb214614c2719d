package dev.sextant.nas.supernet;

import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.nn.Module;
import dev.sextant.nas.space.Factoring;
import dev.sextant.nas.space.Position;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.supernet.SharedKernels.Averages;
import dev.sextant.runtime.layer.Conv;
import dev.sextant.runtime.layer.Detect;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.Linear;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * TuNAS's supernet: the candidates of a choice share weights, so that it has about as many as the
 * largest network alone, and widths can be searched.
 */
public final class CollapsedSupernet extends SampledSupernet {
  private final Space space;
  private final Backend backend;
  private final Factoring factoring;
  private final List<Module> layers = new ArrayList<>();

  /**
   * A network with fresh weights, whose averages are rematerialised.
   *
   * @param space whose networks it holds
   * @param init how fresh weights are drawn
   */
  public CollapsedSupernet(Space space, Initializer init) {
    this(space, init, Averaging.REMATERIALIZED);
  }

  /**
   * A network with fresh weights.
   *
   * @param space whose networks it holds
   * @param init how fresh weights are drawn
   * @param averaging of operations, where all are selected
   * @throws SextantException if a choice is no grid of blocks, or a layer with weights is neither a
   *     block nor a convolution nor linear
   */
  public CollapsedSupernet(Space space, Initializer init, Averaging averaging) {
    this.space = space;
    backend = init.backend();
    factoring = Factoring.grid(space);
    Averaging[] plan = averaging.plan(space);
    Shape[] inputs = space.inputShapes();
    for (int i = 0; i < inputs.length; i++) {
      layers.add(child("layers." + i, layer(i, inputs[i], plan[i], init)));
    }
  }

  private Module layer(int i, Shape input, Averaging averaging, Initializer init) {
    List<Layer> candidates = space.positions().get(i).layers();
    double epsilon = space.batchNormEpsilon();
    int in = input.channels();
    Layer first = candidates.getFirst();
    if (candidates.stream().anyMatch(MbConv.class::isInstance)) {
      return new SharedBlock(candidates, in, epsilon, averaging, init);
    }
    List<Conv> convolutions = convolutions(candidates);
    boolean searched = space.widthDecision(i - 1) >= 0;
    if (convolutions != null) {
      if (searched && convolutions.stream().anyMatch(conv -> conv.kernel() > 1)) {
        throw unshared(i, first);
      }
      return new SharedConvolution(convolutions, in, epsilon, averaging, init);
    }
    if (first instanceof Linear linear && candidates.size() == 1) {
      return new SharedLinear(linear, in, epsilon, init);
    }
    boolean predicts = first instanceof Detect && !searched;
    if (!predicts && (candidates.size() > 1 || first.parameters(input) > 0)) {
      throw unshared(i, first);
    }
    return Modules.of(first, input, epsilon, init);
  }

  private SextantException unshared(int i, Layer layer) {
    return new SextantException(
        String.format(
            Locale.ROOT,
            "collapsed weights: layers[%d] of %s (%s) has no form that shares weights",
            i,
            space.name(),
            layer.label()));
  }

  /** The candidates as convolutions that differ in nothing but the kernel; null if they are not. */
  private static @Nullable List<Conv> convolutions(List<Layer> candidates) {
    List<Conv> convolutions = new ArrayList<>();
    for (Layer candidate : candidates) {
      if (!(candidate instanceof Conv conv)
          || convolutions.stream().anyMatch(other -> other.kernel() == conv.kernel())) {
        return null;
      }
      convolutions.add(conv);
    }
    return convolutions;
  }

  @Override
  public Factoring factoring() {
    return factoring;
  }

  @Override
  public void setOptions(int[] options) {
    int[] single = options.clone();
    for (int f = 0; f < single.length; f++) {
      single[f] = Math.max(0, single[f]);
    }
    List<Layer> chosen = space.derive(factoring.decisions(single)).layers();
    int choice = 0;
    for (int i = 0; i < layers.size(); i++) {
      Averages averages = Averages.NONE;
      if (space.positions().get(i) instanceof Position.Choice) {
        averages = averages(choice++, options);
      }
      if (layers.get(i) instanceof SharedKernels shared) {
        shared.setCandidate(chosen.get(i), averages);
      }
    }
  }

  private Averages averages(int choice, int[] options) {
    boolean kernels = false;
    boolean squeezes = false;
    boolean skip = false;
    boolean whole = false;
    for (int f = factoring.first(choice); f < factoring.first(choice + 1); f++) {
      if (options[f] == Factoring.ALL) {
        switch (factoring.factors().get(f).name()) {
          case "kernel" -> kernels = true;
          case "squeeze-excite" -> squeezes = true;
          case "skip" -> skip = true;
          default -> whole = true;
        }
      }
    }
    return new Averages(kernels, squeezes, skip, whole);
  }

  /** Batch norms keep no running statistics, which candidates would share. */
  @Override
  public Tape.Mode trainingMode() {
    return Tape.Mode.TRAIN_STATELESS;
  }

  @Override
  public Variable forward(Tape tape, Variable x) {
    return Chain.run(tape, layers, x);
  }

  /** The first inputs and outputs of each kernel; running statistics stay as they are there. */
  @Override
  public void copyWeights(int[] decisions, Network network) {
    List<Layer> chosen = space.derive(decisions).layers();
    network
        .state()
        .forEach(
            (path, target) -> {
              int end = path.indexOf('.', "layers.".length());
              int i = Integer.parseInt(path.substring("layers.".length(), end));
              if (layers.get(i) instanceof SharedKernels shared) {
                Parameter source = shared.source(chosen.get(i), path.substring(end + 1));
                if (source != null) {
                  copyPrefix(source.value(), target);
                }
              } else {
                Tensor source = layers.get(i).state().get(path.substring(end + 1));
                if (source != null) {
                  copyPrefix(source, target);
                }
              }
            });
  }

  private void copyPrefix(Tensor from, Tensor to) {
    int rows = to.shape().rows();
    int channels = to.shape().channels();
    try (Tensor all = from.reshape(Shape.of(from.shape().rows(), from.shape().channels()));
        Tensor first = all.slice(0, rows);
        Tensor target = to.reshape(Shape.of(rows, channels))) {
      backend.channels().copy(first, 0, target, 0, channels);
    }
  }
}
