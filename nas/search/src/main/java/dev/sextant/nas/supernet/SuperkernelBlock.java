package dev.sextant.nas.supernet;

import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.ops.GateRows;
import dev.sextant.autograd.ops.Narrow;
import dev.sextant.autograd.ops.NormalizedChain;
import dev.sextant.autograd.ops.NormalizedChain.Stage;
import dev.sextant.autograd.ops.Superkernel;
import dev.sextant.autograd.ops.SuperkernelGates;
import dev.sextant.nas.space.NestedChoice;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Nesting;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One inverted bottleneck of the largest kernel and expansion for all candidates of a choice
 * (Single-Path NAS): gates, open where a norm of the depthwise kernel's part reaches its threshold,
 * say which shells of the kernel (eq. 2) and which channels (eq. 3) are used, and whether the layer
 * is.
 *
 * <p>The shells' gates mask the depthwise kernel. Those of channels mask what the projection reads
 * and that of the layer the last batch norm, where the published code masks the depthwise kernel
 * for these too: the batch norm after it makes any open gate 1 again, so that the loss says nothing
 * about it, and gives channels that are shut its offset, so that a skipped layer is not the
 * identity. Here the network computed is that of the candidate alone, and gates have its gradient.
 */
final class SuperkernelBlock extends SharedKernels {
  /** A threshold that no norm reaches, and its negative, that every norm does. */
  private static final float UNREACHED = 1e30f;

  private final Backend backend;
  private final NestedChoice choice;
  private final Nesting nesting;

  /** Without the channels' gates but that of the layer, which masks no kernel. */
  private final Nesting shells;

  private final Window window;
  private final Activation activation;
  private final boolean residual;
  private final @Nullable Parameter expand;
  private final @Nullable Norm expandNorm;
  private final Parameter kernel;
  private final Norm depthwiseNorm;
  private final Parameter project;
  private final Norm projectNorm;

  /** What open gates are: 1, or what dropout made of it. */
  private final Tensor scales;

  /** Those of the shells' gates and of the layer's. */
  private final Tensor shellScales;

  /** Thresholds that say what was selected. */
  private final Tensor selected;

  private @Nullable Parameter learned;
  private @Nullable Variable gates;
  private List<Stage> stages = List.of();

  private final float[] weights;
  private final float[] room;
  private final double[] squares;

  /** A block with fresh weights, the largest candidate selected. */
  SuperkernelBlock(NestedChoice choice, int in, double epsilon, Initializer init) {
    super(epsilon);
    backend = init.backend();
    this.choice = choice;
    MbConv largest = choice.largest();
    nesting = choice.nesting(in);
    int mid = nesting.channels();
    int k = nesting.kernel();
    int[] kernels = new int[choice.shells()];
    Arrays.setAll(kernels, nesting::kernel);
    shells = new Nesting(kernels, new int[] {mid});
    window = largest.window();
    activation = largest.activation();
    residual = largest.residual();
    boolean expands = largest.expand() > 1;
    expand =
        expands ? parameter("expand.weight", init.heFanOut(Shape.of(1, 1, in, mid), mid)) : null;
    expandNorm = expands ? norm(init, "expand_norm", mid) : null;
    // Fan-out of one channel, as published: norms are then about sqrt(2) / k in every layer.
    kernel = parameter("depthwise.weight", init.heFanOut(Shape.of(k, k, mid), k * k));
    depthwiseNorm = norm(init, "depthwise_norm", mid);
    project =
        parameter(
            "project.weight", init.heFanOut(Shape.of(1, 1, mid, largest.out()), largest.out()));
    projectNorm = norm(init, "project_norm", largest.out());
    if (residual) {
      // The block starts as the identity, as those with weights of their own do.
      backend.elementwise().fill(projectNorm.gamma().value(), 0);
    }
    scales = buffer("scales", init.buffer(nesting.gates(), 1));
    shellScales = buffer("shell_scales", init.buffer(shells.gates(), 1));
    selected = buffer("selected", init.buffer(nesting.gates(), -UNREACHED));
    weights = new float[kernel.shape().size()];
    room = new float[nesting.gates()];
    squares = new double[nesting.shells() * nesting.groups()];
  }

  /** Opens the gates of a candidate and shuts the others, whatever their norms. */
  @Override
  void setCandidate(Layer candidate, Averages averages) {
    learned = null;
    int option = choice.index(candidate);
    for (int gate = 0; gate < room.length; gate++) {
      room[gate] = choice.state(option, gate) == 1 ? -UNREACHED : UNREACHED;
    }
    backend.upload(room, 0, selected);
    backend.elementwise().fill(scales, 1);
    backend.elementwise().fill(shellScales, 1);
  }

  /**
   * Lets thresholds decide from now on.
   *
   * @param thresholds one for each gate
   * @param ofOpen what open gates are
   */
  void learn(Parameter thresholds, float[] ofOpen) {
    learned = thresholds;
    backend.upload(ofOpen, 0, scales);
    backend.upload(ofOpen, 0, shellScales);
  }

  /** The gates of the last pass; null before the first. */
  @Nullable Variable gates() {
    return gates;
  }

  /**
   * The norms that thresholds are compared with: root mean squares of the shells' weights, and of
   * the groups' as the open shells leave them, dropout aside.
   *
   * @param thresholds one for each gate
   * @param norms written, one for each gate
   */
  void norms(float[] thresholds, double[] norms) {
    backend.download(kernel.value(), weights, 0);
    Arrays.fill(squares, 0);
    int at = 0;
    for (int row = 0; row < nesting.kernel(); row++) {
      for (int column = 0; column < nesting.kernel(); column++) {
        int first = nesting.shell(row, column) * nesting.groups();
        for (int group = 0; group < nesting.groups(); group++) {
          for (int c = nesting.firstChannel(group); c < nesting.channels(group); c++) {
            double weight = weights[at++];
            squares[first + group] += weight * weight;
          }
        }
      }
    }
    int open = 1;
    boolean inside = true;
    for (int shell = 1; shell < nesting.shells(); shell++) {
      double sum = 0;
      for (int group = 0; group < nesting.groups(); group++) {
        sum += squares[shell * nesting.groups() + group];
      }
      norms[shell - 1] = Math.sqrt(sum / nesting.shellSize(shell));
      inside &= norms[shell - 1] >= thresholds[shell - 1];
      open += inside ? 1 : 0;
    }
    for (int group = 0; group < nesting.groups(); group++) {
      double sum = 0;
      for (int shell = 0; shell < open; shell++) {
        sum += squares[shell * nesting.groups() + group];
      }
      norms[nesting.layerGate() + group] = Math.sqrt(sum / nesting.groupSize(group));
    }
  }

  @Override
  public Variable forward(Tape tape, Variable x) {
    checkMode(tape);
    Variable thresholds = learned == null ? tape.constant(selected) : learned;
    Variable open = SuperkernelGates.apply(tape, kernel, thresholds, scales, nesting);
    gates = open;
    Variable masked = masked(tape, thresholds);
    boolean single = nesting.groups() == 1;
    Variable w = single ? project : GateRows.groups(tape, project, open, nesting);
    Variable gamma = layerGated(tape, projectNorm.gamma(), open);
    Variable beta = layerGated(tape, projectNorm.beta(), open);
    Variable y =
        NormalizedChain.apply(tape, x, stages(masked, w, gamma, beta), residual ? x : null);
    masked.release();
    w.release();
    gamma.release();
    beta.release();
    return y;
  }

  /** Those of the last pass where it had the same variables, which tapes use again. */
  private List<Stage> stages(Variable masked, Variable w, Variable gamma, Variable beta) {
    if (!stages.isEmpty()) {
      Stage last = stages.getLast();
      Stage before = stages.get(stages.size() - 2);
      if (before.w() == masked && last.w() == w && last.gamma() == gamma && last.beta() == beta) {
        return stages;
      }
    }
    List<Stage> made = new ArrayList<>();
    if (expand != null && expandNorm != null) {
      made.add(stage(expand, Window.POINTWISE, expandNorm, activation));
    }
    made.add(stage(masked, window, depthwiseNorm, activation));
    made.add(
        new Stage(w, Window.POINTWISE, gamma, beta, projectNorm.running(), Activation.IDENTITY));
    stages = List.copyOf(made);
    return stages;
  }

  private static Stage stage(Variable w, Window window, Norm norm, Activation activation) {
    return new Stage(w, window, norm.gamma(), norm.beta(), norm.running(), activation);
  }

  /** The depthwise kernel as its shells' gates leave it. */
  private Variable masked(Tape tape, Variable thresholds) {
    if (nesting.shells() == 1) {
      return kernel;
    }
    int first = shells.gates();
    Variable own = first == nesting.gates() ? thresholds : Narrow.apply(tape, thresholds, 1, first);
    Variable masked =
        Superkernel.apply(tape, kernel, own, shellScales, shells, Superkernel.gates(tape, shells));
    own.release();
    return masked;
  }

  private Variable layerGated(Tape tape, Parameter w, Variable open) {
    return choice.skips() ? GateRows.layer(tape, w, open, nesting) : w;
  }

  @Override
  @Nullable Parameter source(Layer candidate, String path) {
    return candidate instanceof MbConv ? parameters().get(path) : null;
  }
}
