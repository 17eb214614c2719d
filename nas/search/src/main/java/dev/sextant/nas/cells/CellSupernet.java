package dev.sextant.nas.cells;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.BatchNorm;
import dev.sextant.autograd.nn.Convolution;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.nn.Linear;
import dev.sextant.autograd.nn.Module;
import dev.sextant.autograd.nn.NormalizedConvolution;
import dev.sextant.autograd.nn.Pooling;
import dev.sextant.nas.cells.MixedCell.Edges;
import dev.sextant.nas.cells.MixedCell.MixtureWeights;
import dev.sextant.nas.cells.MixedCell.Selection;
import dev.sextant.nas.space.CellNetworks;
import dev.sextant.nas.space.CellSpace;
import dev.sextant.nas.supernet.CellOps;
import dev.sextant.nas.supernet.Network;
import dev.sextant.nas.supernet.SampledSupernet;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The network that DARTS searches with: stem, cells that hold every op of every edge, classifier.
 * It runs as one network of the space once that is selected. Before, it is the mixture of all,
 * whose weights are those of {@link CellParameters}; a pass on a recording tape finds their
 * gradients where asked.
 *
 * <p>In a network the two edges of a node add up as they do in that network alone: weights of edges
 * say which are drawn, and have no other part.
 */
public final class CellSupernet extends SampledSupernet {
  private final CellSpace space;
  private final CellParameters parameters;
  private final Module stem;
  private final List<MixedCell> cells = new ArrayList<>();
  private final Pooling pooling = Pooling.globalAverage();
  private final Linear classifier;
  private boolean architectureStep;

  /** What is selected, of each type of cell; none runs the mixture. */
  private List<Selection> selected = List.of();

  /** The weights of the last pass, for the normal and the reduction cells. */
  private List<MixtureWeights> leaves = List.of();

  /**
   * A supernet with fresh weights whose mixtures follow the parameters as they change.
   *
   * @param parameters of the architecture, which the mixtures read
   * @param init how fresh weights are drawn
   */
  public CellSupernet(CellParameters parameters, Initializer init) {
    this.parameters = parameters;
    space = parameters.space();
    float epsilon = (float) CellNetworks.EPSILON;
    int channels = CellNetworks.STEM_MULTIPLIER * space.width();
    stem =
        child(
            "stem",
            new NormalizedConvolution(
                new Convolution(init, space.input().channels(), channels, Window.same(3, 1)),
                new BatchNorm(init, channels, epsilon, Activation.IDENTITY)));
    CellOps ops = new CellOps(init, epsilon, false);
    int olderChannels = channels;
    int width = space.width();
    boolean reduced = false;
    for (int i = 0; i < space.cells(); i++) {
      int stride = stride(i);
      width *= stride;
      MixedCell cell = new MixedCell(space, ops, olderChannels, reduced, channels, width, stride);
      cells.add(child("cells." + i, cell));
      reduced = stride == 2;
      olderChannels = channels;
      channels = space.nodes() * width;
    }
    classifier = child("classifier", new Linear(init, channels, space.classes()));
  }

  private int stride(int cell) {
    return CellNetworks.isReduction(cell, space.cells()) ? 2 : 1;
  }

  /** {@return the architecture parameters} */
  public CellParameters architecture() {
    return parameters;
  }

  /**
   * Whether passes from now on find the gradients of the architecture parameters; costs an inner
   * product for each op.
   *
   * @param on whether they do
   */
  public void setArchitectureStep(boolean on) {
    architectureStep = on;
  }

  @Override
  public CellFactors factoring() {
    return new CellFactors(space);
  }

  @Override
  public void setOptions(int[] options) {
    int edges = space.edges();
    selected =
        List.of(
            new Selection(Arrays.copyOf(options, edges)),
            new Selection(Arrays.copyOfRange(options, edges, 2 * edges)));
  }

  /** No weights are kept, and so no running statistics either. */
  @Override
  public Tape.Mode trainingMode() {
    return Tape.Mode.TRAIN_STATELESS;
  }

  @Override
  public void copyWeights(int[] decisions, Network network) {
    throw new IllegalStateException("norms without scales are no weights of a network");
  }

  @Override
  public Variable forward(Tape tape, Variable x) {
    List<? extends Edges> settings = selected;
    if (selected.isEmpty()) {
      leaves = List.of(weights(tape, 1), weights(tape, 2));
      settings = leaves;
    }
    Variable older = stem.forward(tape, x);
    Variable newer = older;
    for (int i = 0; i < cells.size(); i++) {
      Variable next = cells.get(i).forward(tape, older, newer, settings.get(stride(i) - 1));
      if (older != newer) {
        older.release();
      }
      older = newer;
      newer = next;
    }
    older.release();
    Variable features = pooling.forward(tape, newer);
    newer.release();
    Variable logits = classifier.forward(tape, features);
    features.release();
    return logits;
  }

  private MixtureWeights weights(Tape tape, int stride) {
    List<Variable> ops = new ArrayList<>();
    for (int edge = 0; edge < space.edges(); edge++) {
      ops.add(leaf(tape, parameters.opWeights(stride, edge)));
    }
    List<Variable> edges = new ArrayList<>();
    if (space.edgeNormalized()) {
      for (int node = 0; node < space.nodes(); node++) {
        edges.add(leaf(tape, parameters.edgeWeights(stride, node)));
      }
    }
    return new MixtureWeights(ops, edges);
  }

  private Variable leaf(Tape tape, double[] weights) {
    float[] values = new float[weights.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) weights[i];
    }
    Tensor tensor = tape.output(Shape.of(values.length), "mixture");
    tape.backend().upload(values, 0, tensor);
    return architectureStep ? tape.leaf(tensor) : tape.constant(tensor);
  }

  /**
   * {@return the gradients of the architecture parameters that the backward pass found; call it
   * before the tape is closed}
   *
   * @param tape of the pass
   * @throws IllegalStateException if the pass was not one of an architecture step
   */
  public CellParameters gradients(Tape tape) {
    CellParameters gradients = CellParameters.zeros(space);
    for (int stride = 1; stride <= 2; stride++) {
      MixtureWeights weights = leaves.get(stride - 1);
      boolean used = false;
      for (int i = 0; i < cells.size(); i++) {
        used |= stride(i) == stride;
      }
      if (!used) {
        continue;
      }
      for (int edge = 0; edge < weights.ops().size(); edge++) {
        double[] found = gradient(tape, weights.ops().get(edge));
        gradients.addOpGradient(parameters, stride, edge, found);
      }
      for (int node = 0; node < weights.edges().size(); node++) {
        double[] found = gradient(tape, weights.edges().get(node));
        gradients.addEdgeGradient(parameters, stride, node, found);
      }
    }
    return gradients;
  }

  private static double[] gradient(Tape tape, Variable leaf) {
    Tensor gradient = leaf.gradient();
    if (gradient == null) {
      throw new IllegalStateException("no architecture step: " + leaf + " has no gradient");
    }
    float[] values = new float[gradient.size()];
    tape.backend().download(gradient, values, 0);
    double[] result = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      result[i] = values[i];
    }
    return result;
  }
}
