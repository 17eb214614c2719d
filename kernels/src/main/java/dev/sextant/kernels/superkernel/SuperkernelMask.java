package dev.sextant.kernels.superkernel;

import dev.sextant.kernels.ptx.Assembler;
import dev.sextant.kernels.ptx.BlockTree;
import dev.sextant.kernels.ptx.Kernel;
import dev.sextant.kernels.ptx.KernelSource;
import dev.sextant.kernels.ptx.Operand.B32;
import dev.sextant.kernels.ptx.Operand.B64;
import dev.sextant.kernels.ptx.Operand.F32;
import dev.sextant.kernels.ptx.Operand.Pred;
import it.unimi.dsi.fastutil.ints.IntArrayList;
import it.unimi.dsi.fastutil.ints.IntList;
import it.unimi.dsi.fastutil.ints.IntLists;
import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * The gates of a depthwise superkernel and the kernel they leave, or their gradients (Single-Path
 * NAS, eq. 1 to 4), in one launch of one block: a superkernel has some ten thousand weights.
 * Threads run over channels. Sums over each pair of a shell and a group of channels go through
 * shared memory to all threads; each then finds all gates for itself.
 *
 * <p>Block {@code [1, 256]}. Parameters: w, thresholds, scales, then gates and effective, or
 * dgates, deffective, dw and dthresholds; channels; the first channel of each group but the first;
 * 1 / weights of each shell but the innermost; 1 / weights of each group.
 *
 * @param kernels odd sizes, ascending
 * @param groups of channels
 */
public record SuperkernelMask(IntList kernels, int groups, boolean backward)
    implements KernelSource {
  private static final float LOG2_E = (float) (1 / Math.log(2));

  /** Copies the list. */
  public SuperkernelMask {
    kernels = IntLists.unmodifiable(new IntArrayList(kernels));
  }

  @Override
  public String name() {
    return "superkernel"
        + (backward ? "_backward" : "")
        + "_k"
        + kernels.intStream().mapToObj(String::valueOf).collect(Collectors.joining("_"))
        + "_groups"
        + groups;
  }

  private int shells() {
    return kernels.size();
  }

  /** The smallest kernel that a tap is part of. */
  private int shell(int row, int column) {
    int last = kernels.getInt(shells() - 1) - 1;
    int edge = Math.min(Math.min(row, last - row), Math.min(column, last - column));
    int shell = 0;
    while (kernels.getInt(shell) < kernels.getInt(shells() - 1) - 2 * edge) {
      shell++;
    }
    return shell;
  }

  @Override
  public Kernel assemble() {
    Assembler k =
        new Assembler(
            name(),
            backward
                ? "gradients of a superkernel's weights and thresholds"
                : "a masked superkernel",
            THREADS);
    return new Writer(k).write();
  }

  /** One kernel being written. */
  private final class Writer {
    private final Assembler k;
    private final B64 w;
    private final B64 thresholds;
    private final B64 scales;

    /** gates, effective; or dgates, deffective, dw, dthresholds. */
    private final B64[] others;

    private final B32 channels;
    private final B32[] firsts = new B32[groups];
    private final F32[] shellShares = new F32[shells()];
    private final F32[] groupShares = new F32[groups];

    private final F32[] norms = new F32[shells() - 1 + groups];
    private final F32[] gates = new F32[norms.length];
    private final F32[] shellFactor = new F32[shells()];
    private final F32[] groupFactor = new F32[groups];

    Writer(Assembler k) {
      this.k = k;
      w = k.pointer("w", "[k, k, C]");
      thresholds = k.pointer("thresholds", "of each gate");
      scales = k.pointer("scales", "of each gate");
      others =
          backward
              ? new B64[] {
                k.pointer("dgates", "gradient of each gate"),
                k.pointer("deffective", "gradient of the masked kernel"),
                k.pointer("dw", "[k, k, C]"),
                k.pointer("dthresholds", "of each gate")
              }
              : new B64[] {
                k.pointer("gates", "value of each gate"), k.pointer("effective", "[k, k, C]")
              };
      channels = k.integer("channels", "of the superkernel");
      for (int b = 1; b < groups; b++) {
        firsts[b] = k.integer("first" + b, "channel of the group");
      }
      for (int a = 1; a < shells(); a++) {
        shellShares[a] = k.number("shellShare" + a, "1 / weights of the shell");
      }
      for (int b = 0; b < groups; b++) {
        groupShares[b] = k.number("groupShare" + b, "1 / weights of the group");
      }
    }

    Kernel write() {
      BlockTree tree = new BlockTree(k, pairs() * (backward ? 2 : 1), 1);
      F32[][] sums = new F32[pairs() * (backward ? 2 : 1)][1];
      for (int q = 0; q < sums.length; q++) {
        sums[q][0] = k.variable("sum" + q, k.constant(0f));
      }
      k.comment("sums over each shell and group");
      eachChannel(channel -> accumulate(channel, sums));
      tree.sum(sums);
      F32[] totals = new F32[sums.length];
      for (int q = 0; q < totals.length; q++) {
        totals[q] = tree.broadcast(q)[0];
      }
      evaluate(totals);
      if (backward) {
        gradients(totals);
      } else {
        masked();
      }
      return k.assemble();
    }

    private int pairs() {
      return shells() * groups;
    }

    private int pair(int shell, int group) {
      return shell * groups + group;
    }

    private interface Channel {
      void visit(B32 channel);
    }

    private void eachChannel(Channel body) {
      k.loop("channel", k.special("%tid.y"), channels, k.special("%ntid.y"), body::visit);
    }

    private interface Tap {
      void visit(B32 index, int shell);
    }

    private void eachTap(B32 channel, Tap body) {
      int kernel = kernels.getInt(shells() - 1);
      for (int tap = 0; tap < kernel * kernel; tap++) {
        B32 index = k.multiplyAdd(channels, k.constant(tap), channel);
        body.visit(index, shell(tap / kernel, tap % kernel));
      }
    }

    private F32 load(B64 base, B32 index) {
      return k.load(k.element(base, index), 0, 1, true)[0];
    }

    private void accumulate(B32 channel, F32[][] sums) {
      F32[] squares = zeros("square");
      F32[] products = backward ? zeros("product") : squares;
      eachTap(
          channel,
          (index, a) -> {
            F32 weight = load(w, index);
            k.fmaTo(squares[a], weight, weight, squares[a]);
            if (backward) {
              k.fmaTo(products[a], weight, load(others[1], index), products[a]);
            }
          });
      for (int a = 0; a < shells(); a++) {
        for (int b = 0; b < groups; b++) {
          addWhere(channel, b, squares[a], sums[pair(a, b)][0]);
          if (backward) {
            addWhere(channel, b, products[a], sums[pairs() + pair(a, b)][0]);
          }
        }
      }
    }

    private F32[] zeros(String name) {
      F32[] zeros = new F32[shells()];
      for (int a = 0; a < zeros.length; a++) {
        zeros[a] = k.variable(name + a, k.constant(0f));
      }
      return zeros;
    }

    private void addWhere(B32 channel, int group, F32 value, F32 sum) {
      F32[] one = new F32[groups];
      Arrays.fill(one, k.constant(0f));
      one[group] = value;
      k.addTo(sum, sum, ofGroup(channel, one));
    }

    /** The value of the group that a channel belongs to. */
    private F32 ofGroup(B32 channel, F32[] values) {
      F32 value = values[0];
      for (int b = 1; b < groups; b++) {
        Pred before = k.less(channel, firsts[b]);
        value = k.select(before, value, values[b]);
      }
      return value;
    }

    /** Norms and gates: shells first, since the groups' norms are of the masked kernel. */
    private void evaluate(F32[] squares) {
      k.comment("norms and gates, in every thread");
      shellFactor[0] = k.constant(1f);
      for (int a = 1; a < shells(); a++) {
        F32 sum = squares[pair(a, 0)];
        for (int b = 1; b < groups; b++) {
          sum = k.add(sum, squares[pair(a, b)]);
        }
        gate(a - 1, k.multiply(sum, shellShares[a]));
        shellFactor[a] = k.multiply(shellFactor[a - 1], gates[a - 1]);
      }
      groupFactor[0] = k.constant(1f);
      for (int b = 0; b < groups; b++) {
        F32 sum = squares[pair(0, b)];
        for (int a = 1; a < shells(); a++) {
          F32 factor = k.multiply(shellFactor[a], shellFactor[a]);
          sum = k.fma(factor, squares[pair(a, b)], sum);
        }
        int gate = shells() - 1 + b;
        gate(gate, k.multiply(sum, groupShares[b]));
        if (b > 0) {
          groupFactor[b] = k.multiply(groupFactor[b - 1], gates[gate]);
        }
      }
    }

    private void gate(int gate, F32 meanSquare) {
      norms[gate] = k.squareRoot(meanSquare);
      F32 scale = k.load(scales, 4 * gate, 1, true)[0];
      Pred shut = k.less(margin(gate), k.constant(0f));
      gates[gate] = k.select(shut, k.constant(0f), scale);
    }

    private F32 margin(int gate) {
      return k.subtract(norms[gate], k.load(thresholds, 4 * gate, 1, true)[0]);
    }

    private void onFirstThread(Runnable body) {
      k.when("this is the first thread", k.equal(k.special("%tid.y"), k.constant(0)), body);
    }

    private void masked() {
      onFirstThread(
          () -> {
            for (int gate = 0; gate < gates.length; gate++) {
              k.store(others[0], 4 * gate, gates[gate]);
            }
          });
      eachChannel(
          channel -> {
            F32 group = ofGroup(channel, groupFactor);
            eachTap(
                channel,
                (index, a) -> {
                  F32 factor = k.multiply(shellFactor[a], group);
                  k.store(k.element(others[1], index), 0, k.multiply(factor, load(w, index)));
                });
          });
    }

    /** scale sigmoid(margin) sigmoid(-margin): does not vanish where the sigmoid rounds to 1. */
    private F32 slope(int gate) {
      F32 scaled = k.multiply(margin(gate), k.constant(LOG2_E));
      F32 one = k.constant(1f);
      F32 rising = k.divide(one, k.add(one, k.exp2(k.subtract(k.constant(0f), scaled))));
      F32 falling = k.divide(one, k.add(one, k.exp2(scaled)));
      F32 scale = k.load(scales, 4 * gate, 1, true)[0];
      return k.multiply(scale, k.multiply(rising, falling));
    }

    /**
     * From gates to thresholds and weights, groups first: their norms are of the masked kernel, so
     * that some of their gradient goes on to the shells.
     */
    private void gradients(F32[] totals) {
      F32[] weightFactor = new F32[pairs()];
      F32[] shellGradients = new F32[shells()];
      F32[] dthresholds = new F32[gates.length];
      Arrays.fill(shellGradients, k.constant(0f));
      k.comment("through the groups' gates");
      for (int b = groups - 1; b >= 0; b--) {
        int gate = shells() - 1 + b;
        F32 gradient = k.load(others[0], 4 * gate, 1, true)[0];
        if (b > 0) {
          F32 factor = groupFactor[b - 1];
          for (int later = b; later < groups; later++) {
            factor = later == b ? factor : k.multiply(factor, gates[shells() - 1 + later]);
            for (int a = 0; a < shells(); a++) {
              F32 product = totals[pairs() + pair(a, later)];
              gradient = k.fma(k.multiply(shellFactor[a], factor), product, gradient);
            }
          }
        }
        F32 perSquare = throughNorm(gate, gradient, groupShares[b], dthresholds);
        for (int a = 0; a < shells(); a++) {
          F32 scaled = k.multiply(perSquare, shellFactor[a]);
          weightFactor[pair(a, b)] = k.multiply(scaled, shellFactor[a]);
          F32 ofKernel = k.fma(groupFactor[b], totals[pairs() + pair(a, b)], shellGradients[a]);
          shellGradients[a] = k.fma(scaled, totals[pair(a, b)], ofKernel);
        }
      }
      k.comment("through the shells' gates");
      for (int a = 1; a < shells(); a++) {
        F32 gradient = k.load(others[0], 4 * (a - 1), 1, true)[0];
        F32 factor = shellFactor[a - 1];
        for (int outer = a; outer < shells(); outer++) {
          factor = outer == a ? factor : k.multiply(factor, gates[outer - 1]);
          gradient = k.fma(shellGradients[outer], factor, gradient);
        }
        F32 perSquare = throughNorm(a - 1, gradient, shellShares[a], dthresholds);
        for (int b = 0; b < groups; b++) {
          weightFactor[pair(a, b)] = k.add(weightFactor[pair(a, b)], perSquare);
        }
      }
      onFirstThread(
          () -> {
            for (int gate = 0; gate < gates.length; gate++) {
              k.store(others[3], 4 * gate, dthresholds[gate]);
            }
          });
      weights(weightFactor);
    }

    /** The factor of w in its gradient: that of the norm, over norm and number of weights. */
    private F32 throughNorm(int gate, F32 gradient, F32 share, F32[] dthresholds) {
      F32 dnorm = k.multiply(gradient, slope(gate));
      dthresholds[gate] = k.subtract(k.constant(0f), dnorm);
      Pred none = k.equal(norms[gate], k.constant(0f));
      F32 norm = k.select(none, k.constant(1f), norms[gate]);
      F32 factor = k.multiply(k.divide(dnorm, norm), share);
      return k.select(none, k.constant(0f), factor);
    }

    /** dw = shell and group factor times deffective, and what comes through the norms times w. */
    private void weights(F32[] weightFactor) {
      eachChannel(
          channel -> {
            F32 group = ofGroup(channel, groupFactor);
            F32[] ofWeight = new F32[shells()];
            for (int a = 0; a < shells(); a++) {
              F32[] factors = new F32[groups];
              for (int b = 0; b < groups; b++) {
                factors[b] = weightFactor[pair(a, b)];
              }
              ofWeight[a] = ofGroup(channel, factors);
            }
            eachTap(
                channel,
                (index, a) -> {
                  F32 factor = k.multiply(shellFactor[a], group);
                  F32 kernel = k.multiply(factor, load(others[1], index));
                  F32 gradient = k.fma(ofWeight[a], load(w, index), kernel);
                  k.store(k.element(others[2], index), 0, gradient);
                });
          });
    }
  }
}
