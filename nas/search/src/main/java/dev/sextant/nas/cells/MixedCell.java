package dev.sextant.nas.cells;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.BatchNorm;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.nn.Module;
import dev.sextant.autograd.nn.Sequential;
import dev.sextant.autograd.ops.Add;
import dev.sextant.autograd.ops.Concat;
import dev.sextant.autograd.ops.MaxPool;
import dev.sextant.autograd.ops.Rematerialize.Segment;
import dev.sextant.autograd.ops.ShuffleChannels;
import dev.sextant.autograd.ops.SliceChannels;
import dev.sextant.autograd.ops.WeightedSum;
import dev.sextant.nas.space.CellSpace;
import dev.sextant.nas.space.Factors;
import dev.sextant.nas.supernet.Averaging;
import dev.sextant.nas.supernet.CellOps;
import dev.sextant.runtime.layer.Cell;
import dev.sextant.runtime.layer.Cell.Kind;
import dev.sextant.runtime.layer.Cell.Op;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Window;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A cell of the supernet: every edge is there with the weighted mixture of all its ops (eq. 1), or
 * those of one network are, each with its op alone. Poolings have a batch norm behind them, and no
 * batch norm a scale of its own, so that the weights alone say how much an op counts.
 *
 * <p>With partial channels (PC-DARTS) the ops see the first channels only; the others pass by,
 * through a 2x2 maximum where the cell reduces, and all are shuffled, so that the next ops see
 * others.
 */
final class MixedCell extends Module {
  private static final Window HALVE = new Window(2, 2, 0, 1);

  private final CellSpace space;
  private final int stride;
  private final Module older;
  private final Module newer;

  /** The ops of each edge but zero. */
  private final List<List<Module>> edges = new ArrayList<>();

  /** What a pass makes of the edges. */
  sealed interface Edges {}

  /**
   * A network.
   *
   * @param ops for each edge of the cell its op, 0 where it is cut, {@link Factors#ALL} for the
   *     mean of all but zero
   */
  record Selection(int[] ops) implements Edges {
    @Override
    public String toString() {
      return Arrays.toString(ops);
    }
  }

  /**
   * The mixture weights of a pass.
   *
   * @param ops for each edge of the cell those of its ops, {@code [candidates]}
   * @param edges for each node those of its edges, or none where edges are not normalised
   */
  record MixtureWeights(List<Variable> ops, List<Variable> edges) implements Edges {}

  MixedCell(
      CellSpace space,
      CellOps ops,
      int olderChannels,
      boolean reduced,
      int in,
      int width,
      int stride) {
    this.space = space;
    this.stride = stride;
    older = child("older", ops.input(olderChannels, width, reduced));
    newer = child("newer", ops.input(in, width, false));
    for (int node = 0; node < space.nodes(); node++) {
      for (int from = 0; from < node + Cell.INPUTS; from++) {
        List<Module> candidates = new ArrayList<>();
        for (Op op : space.candidates().subList(1, space.candidates().size())) {
          String name = "edges.%d.ops.%d".formatted(edges.size(), candidates.size() + 1);
          candidates.add(
              child(name, candidate(ops, op, width / space.partial(), strideFrom(from))));
        }
        edges.add(candidates);
      }
    }
  }

  private static Module candidate(CellOps ops, Op op, int channels, int stride) {
    Module module = ops.edge(op, channels, stride);
    boolean pools = op.kind() == Kind.MAX_POOL || op.kind() == Kind.AVG_POOL;
    if (!pools) {
      return module;
    }
    Initializer init = ops.init();
    return new Sequential(
        List.of(module, new BatchNorm(init, channels, ops.epsilon(), Activation.IDENTITY, false)));
  }

  private int strideFrom(int node) {
    return node < Cell.INPUTS ? stride : 1;
  }

  @Override
  public Variable forward(Tape tape, Variable x) {
    throw new UnsupportedOperationException("a cell of a supernet takes two inputs and weights");
  }

  /** The nodes side by side; the inputs stay the caller's. */
  Variable forward(Tape tape, Variable olderInput, Variable newerInput, Edges setting) {
    List<Variable> values = new ArrayList<>();
    values.add(older.forward(tape, olderInput));
    values.add(newer.forward(tape, newerInput));
    for (int node = 0; node < space.nodes(); node++) {
      List<Variable> terms = new ArrayList<>();
      for (int from = 0; from < node + Cell.INPUTS; from++) {
        int edge = CellSpace.firstEdge(node) + from;
        if (!(setting instanceof Selection selection) || selection.ops[edge] != 0) {
          terms.add(edge(tape, edge, from, values.get(from), setting));
        }
      }
      boolean weighs = setting instanceof MixtureWeights weights && !weights.edges.isEmpty();
      values.add(sum(tape, terms, weighs ? ((MixtureWeights) setting).edges.get(node) : null));
    }
    Variable[] out = values.subList(Cell.INPUTS, values.size()).toArray(Variable[]::new);
    Variable y = Concat.apply(tape, out);
    values.forEach(Variable::release);
    return y;
  }

  private static Variable sum(Tape tape, List<Variable> terms, @Nullable Variable weights) {
    if (weights != null) {
      Variable y = WeightedSum.apply(tape, weights, 0, terms.toArray(Variable[]::new));
      terms.forEach(Variable::release);
      return y;
    }
    Variable sum = terms.getFirst();
    for (Variable term : terms.subList(1, terms.size())) {
      Variable both = Add.apply(tape, sum, term);
      sum.release();
      term.release();
      sum = both;
    }
    return sum;
  }

  private Variable edge(Tape tape, int edge, int from, Variable x, Edges setting) {
    if (space.partial() == 1) {
      return ops(tape, edge, x, setting);
    }
    int channels = x.shape().channels();
    int active = channels / space.partial();
    Variable head = SliceChannels.apply(tape, x, 0, active);
    Variable mixed = ops(tape, edge, head, setting);
    head.release();
    Variable rest = SliceChannels.apply(tape, x, active, channels);
    if (strideFrom(from) == 2) {
      Variable pooled = MaxPool.apply(tape, rest, HALVE);
      rest.release();
      rest = pooled;
    }
    Variable all = Concat.apply(tape, mixed, rest);
    mixed.release();
    rest.release();
    Variable shuffled = ShuffleChannels.apply(tape, all, space.partial());
    all.release();
    return shuffled;
  }

  private Variable ops(Tape tape, int edge, Variable x, Edges setting) {
    List<Module> ops = edges.get(edge);
    return switch (setting) {
      case MixtureWeights weights -> mixture(tape, edge, x, weights.ops.get(edge));
      case Selection selection when selection.ops[edge] == Factors.ALL ->
          Averaging.KEPT.mean(tape, x, ops.stream().<Segment>map(op -> op::forward).toList());
      case Selection selection -> ops.get(selection.ops[edge] - 1).forward(tape, x);
    };
  }

  /** Weight 0 is that of zero, whose output is no term of the sum. */
  private Variable mixture(Tape tape, int edge, Variable x, Variable weights) {
    List<Variable> outputs = new ArrayList<>();
    for (Module op : edges.get(edge)) {
      outputs.add(op.forward(tape, x));
    }
    Variable y = WeightedSum.apply(tape, weights, 1, outputs.toArray(Variable[]::new));
    outputs.forEach(Variable::release);
    return y;
  }
}
