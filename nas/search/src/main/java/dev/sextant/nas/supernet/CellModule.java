package dev.sextant.nas.supernet;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.Identity;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.nn.Module;
import dev.sextant.autograd.ops.Add;
import dev.sextant.autograd.ops.Concat;
import dev.sextant.autograd.ops.DropPath;
import dev.sextant.runtime.layer.Cell;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * The trainable form of a {@link Cell} with every choice made. Drop path applies to the output of
 * each op but the identity, as in DARTS.
 */
final class CellModule extends Module {
  private final boolean hasOlder;
  private final Module older;
  private final Module newer;
  private final List<List<Edge>> nodes = new ArrayList<>();
  private final Rng dropPathRng;
  private float dropPathRate;

  private record Edge(int from, Module op) {}

  /**
   * A cell with fresh weights, whose newer input has that shape.
   *
   * @param dropPathRng where the masks come from; part of a checkpoint
   */
  CellModule(Cell cell, Shape input, float epsilon, Initializer init, Rng dropPathRng) {
    CellOps ops = new CellOps(init, epsilon, true);
    this.dropPathRng = dropPathRng;
    hasOlder = cell.older() != null;
    int olderChannels = cell.olderInput(input).channels();
    older = child("older", ops.input(olderChannels, cell.width(), cell.reducesOlder()));
    newer = child("newer", ops.input(input.channels(), cell.width(), false));
    for (int n = 0; n < cell.nodes().size(); n++) {
      List<Edge> edges = new ArrayList<>();
      List<Cell.Edge> specified = cell.nodes().get(n).edges();
      for (int e = 0; e < specified.size(); e++) {
        Cell.Edge edge = specified.get(e);
        if (edge.op().kind() != Cell.Kind.ZERO) {
          Module op = ops.edge(edge.op(), cell.width(), cell.strideFrom(edge.from()));
          edges.add(
              new Edge(
                  edge.from(), child(String.format(Locale.ROOT, "nodes.%d.edges.%d", n, e), op)));
        }
      }
      nodes.add(edges);
    }
  }

  /** The share of paths dropped in training from now on, in [0, 1). */
  void setDropPath(float rate) {
    dropPathRate = rate;
  }

  /** Whether {@link #forward(Tape, Variable, Variable)} reads its older input. */
  boolean hasOlder() {
    return hasOlder;
  }

  /** A cell with one input. */
  @Override
  public Variable forward(Tape tape, Variable x) {
    if (hasOlder) {
      throw new IllegalStateException("this cell has two inputs");
    }
    return forward(tape, x, x);
  }

  /** The nodes side by side; the inputs stay the caller's. */
  Variable forward(Tape tape, Variable olderInput, Variable newerInput) {
    List<Variable> values = new ArrayList<>();
    values.add(older.forward(tape, olderInput));
    values.add(newer.forward(tape, newerInput));
    for (List<Edge> edges : nodes) {
      Variable sum = null;
      for (Edge edge : edges) {
        Variable y = run(tape, edge, values.get(edge.from()));
        if (sum == null) {
          sum = y;
        } else {
          Variable both = Add.apply(tape, sum, y);
          sum.release();
          y.release();
          sum = both;
        }
      }
      if (sum == null) {
        throw new IllegalStateException("a node without edges");
      }
      values.add(sum);
    }
    Variable[] out = values.subList(Cell.INPUTS, values.size()).toArray(Variable[]::new);
    Variable y = Concat.apply(tape, out);
    values.forEach(Variable::release);
    return y;
  }

  private Variable run(Tape tape, Edge edge, Variable x) {
    Variable y = edge.op().forward(tape, x);
    if (dropPathRate == 0 || edge.op() instanceof Identity) {
      return y;
    }
    Variable kept = DropPath.apply(tape, y, dropPathRate, dropPathRng);
    y.release();
    return kept;
  }
}
