package dev.sextant.nas.supernet;

import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.nn.Module;
import dev.sextant.nas.space.Factoring;
import dev.sextant.nas.space.NestedChoice;
import dev.sextant.nas.space.Position;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.supernet.SharedKernels.Averages;
import dev.sextant.nas.workers.Sharing;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Single-Path NAS's supernet: the largest network of a space, each of whose blocks holds the
 * choice's other candidates inside its depthwise kernel. Weights and gradients are those of that
 * one network.
 *
 * <p>Either the gates are those of the network selected, or thresholds decide ({@link #learn}).
 */
public final class SuperkernelSupernet extends Supernet {
  /** What else depends on the gates than the network's output: the cost. */
  public interface Pressure {
    /**
     * The gradient by the gates to add to that of the output.
     *
     * @param gates of each choice
     * @param gradient of the same shape; overwritten
     */
    void gradient(double[][] gates, double[][] gradient);
  }

  private final Space space;
  private final Backend backend;
  private final Factoring factoring;
  private final List<NestedChoice> choices;
  private final List<Module> layers = new ArrayList<>();
  private final List<SuperkernelBlock> blocks = new ArrayList<>();
  private final double[][] values;
  private final double[][] gradients;
  private final float[][] room;
  private @Nullable Pressure pressure;
  private List<Parameter> learned = List.of();

  /**
   * A network with fresh weights, the largest selected.
   *
   * @param space whose networks it holds
   * @param init how fresh weights are drawn
   * @throws dev.sextant.tensor.SextantException naming a choice whose candidates do not nest
   */
  public SuperkernelSupernet(Space space, Initializer init) {
    this.space = space;
    backend = init.backend();
    choices = NestedChoice.of(space);
    factoring = Factoring.flat(space);
    Shape[] inputs = space.inputShapes();
    double epsilon = space.batchNormEpsilon();
    for (int i = 0; i < inputs.length; i++) {
      layers.add(
          child(
              "layers." + i,
              switch (space.positions().get(i)) {
                case Position.Fixed(Layer layer) -> Modules.of(layer, inputs[i], epsilon, init);
                case Position.Choice _ -> block(inputs[i].channels(), epsilon, init);
              }));
    }
    values = choices.stream().map(c -> new double[c.gates()]).toArray(double[][]::new);
    gradients = choices.stream().map(c -> new double[c.gates()]).toArray(double[][]::new);
    room = choices.stream().map(c -> new float[c.gates()]).toArray(float[][]::new);
  }

  private SuperkernelBlock block(int in, double epsilon, Initializer init) {
    SuperkernelBlock block = new SuperkernelBlock(choices.get(blocks.size()), in, epsilon, init);
    blocks.add(block);
    return block;
  }

  /** {@return the choices, in the order of the space} */
  public List<NestedChoice> choices() {
    return choices;
  }

  /**
   * Lets thresholds decide from now on, until a network is selected.
   *
   * @param thresholds of each choice, one for each gate
   * @param ofOpen what open gates are: 1, or what dropout made of it
   * @param cost asked in each recorded pass, or null where nothing else depends on the gates
   */
  public void learn(List<Parameter> thresholds, float[][] ofOpen, @Nullable Pressure cost) {
    for (int i = 0; i < blocks.size(); i++) {
      blocks.get(i).learn(thresholds.get(i), ofOpen[i]);
    }
    pressure = cost;
    learned = thresholds;
  }

  @Override
  public void share(Sharing sharing) {
    learned.forEach(sharing::gradient);
  }

  /**
   * The norms that a choice's gates compare with its thresholds.
   *
   * @param choice index of the choice
   * @param thresholds of the choice, one for each gate
   * @param norms written, one for each gate
   */
  public void norms(int choice, float[] thresholds, double[] norms) {
    blocks.get(choice).norms(thresholds, norms);
  }

  @Override
  public Factoring factoring() {
    return factoring;
  }

  @Override
  public void setOptions(int[] options) {
    List<Layer> chosen = space.derive(options).layers();
    for (int i = 0; i < layers.size(); i++) {
      if (layers.get(i) instanceof SuperkernelBlock block) {
        block.setCandidate(chosen.get(i), Averages.NONE);
      }
    }
    pressure = null;
  }

  /** Batch norms keep no running statistics, which candidates would share. */
  @Override
  public Tape.Mode trainingMode() {
    return Tape.Mode.TRAIN_STATELESS;
  }

  @Override
  public Variable forward(Tape tape, Variable x) {
    Variable logits = Chain.run(tape, layers, x);
    if (pressure != null) {
      press(tape, pressure);
    }
    return logits;
  }

  /** All gates are known now, and none has been run backward. */
  private void press(Tape tape, Pressure cost) {
    for (int i = 0; i < values.length; i++) {
      Variable gates = gates(i);
      if (!tape.records(gates)) {
        return;
      }
      backend.download(gates.value(), room[i], 0);
      for (int gate = 0; gate < room[i].length; gate++) {
        values[i][gate] = room[i][gate];
      }
    }
    cost.gradient(values, gradients);
    for (int i = 0; i < values.length; i++) {
      Variable gates = gates(i);
      for (int gate = 0; gate < room[i].length; gate++) {
        room[i][gate] = (float) gradients[i][gate];
      }
      Tensor gradient = tape.gradientLike(gates, "cost.gradient");
      backend.upload(room[i], 0, gradient);
      tape.accumulate(gates, gradient);
    }
  }

  private Variable gates(int choice) {
    Variable gates = blocks.get(choice).gates();
    if (gates == null) {
      throw new IllegalStateException("no pass was made");
    }
    return gates;
  }

  /** Fixed layers as they are; of a block the core of its kernel and the first channels. */
  @Override
  public void copyWeights(int[] decisions, Network network) {
    List<Layer> chosen = space.derive(decisions).layers();
    Map<String, Tensor> own = state();
    network
        .state()
        .forEach(
            (path, target) -> {
              int end = path.indexOf('.', "layers.".length());
              int i = Integer.parseInt(path.substring("layers.".length(), end));
              if (layers.get(i) instanceof SuperkernelBlock block) {
                Parameter source = block.source(chosen.get(i), path.substring(end + 1));
                if (source != null) {
                  copyInner(source.value(), target);
                }
              } else {
                backend.elementwise().copy(Objects.requireNonNull(own.get(path)), target);
              }
            });
  }

  /** The core of {@code [k, k, C]}, the first rows and channels of {@code [1, 1, in, out]}. */
  private void copyInner(Tensor from, Tensor to) {
    float[] source = new float[from.size()];
    float[] target = new float[to.size()];
    backend.download(from, source, 0);
    int channels = to.shape().channels();
    int columns = to.shape().rank() == 1 ? 1 : to.shape().get(-2);
    int rows = to.shape().rows() / columns;
    int fromColumns = from.shape().rank() == 1 ? 1 : from.shape().get(-2);
    int margin = from.shape().rank() == 3 ? (fromColumns - columns) / 2 : 0;
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < columns; column++) {
        int at = (row + margin) * fromColumns + column + margin;
        System.arraycopy(
            source,
            at * from.shape().channels(),
            target,
            (row * columns + column) * channels,
            channels);
      }
    }
    backend.upload(target, 0, to);
  }
}
