package dev.sextant.tensor.internal.reference;

import dev.sextant.tensor.Nesting;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.family.Superkernel;
import dev.sextant.tensor.family.SuperkernelRules;
import java.util.Arrays;

/**
 * {@link Superkernel} on the heap, in double. Both CPU backends use it: a superkernel has some ten
 * thousand weights, a thousandth of what a layer's images have, so a vectorised twin would gain
 * nothing.
 *
 * <p>With h the shells' gates and e the groups', a weight in shell a and group b is multiplied by
 * P[a] Q[b], where P[a] is the product of the gates of the shells 1 to a, Q[b] that of the groups 1
 * to b. What else is needed is in two sums for each pair (a, b), one of w² and one of w times the
 * gradient. Allocates nothing once it has seen the largest numbers of shells and groups. Serves one
 * thread.
 */
public final class ReferenceSuperkernel implements Superkernel {
  private double[] squares = {};
  private double[] products = {};
  private double[] shellFactor = {};
  private double[] groupFactor = {};
  private double[] norms = {};
  private double[] gateGradients = {};
  private double[] shellGradients = {};
  private double[] weightFactor = {};

  /** For the scratch of one backend. */
  public ReferenceSuperkernel() {}

  @Override
  public void forward(
      Tensor w, Tensor thresholds, Tensor scales, Nesting nesting, Tensor gates, Tensor effective) {
    SuperkernelRules.forward(w, thresholds, scales, nesting, gates, effective);
    resize(nesting);
    sums(w, w, nesting, squares);
    evaluate(thresholds, scales, nesting);
    float[] out = gates.floats();
    for (int gate = 0; gate < nesting.gates(); gate++) {
      out[gates.offset() + gate] = (float) gate(gate, thresholds, scales);
    }
    int groups = nesting.groups();
    for (int a = 0; a < nesting.shells(); a++) {
      for (int b = 0; b < groups; b++) {
        weightFactor[a * groups + b] = shellFactor[a] * groupFactor[b];
      }
    }
    scaled(w, nesting, weightFactor, effective, false);
  }

  @Override
  public void backward(
      Tensor w,
      Tensor thresholds,
      Tensor scales,
      Nesting nesting,
      Tensor dgates,
      Tensor deffective,
      Tensor dw,
      Tensor dthresholds) {
    SuperkernelRules.backward(w, thresholds, scales, nesting, dgates, deffective, dw, dthresholds);
    resize(nesting);
    sums(w, w, nesting, squares);
    sums(w, deffective, nesting, products);
    evaluate(thresholds, scales, nesting);
    int shells = nesting.shells();
    int groups = nesting.groups();
    for (int gate = 0; gate < nesting.gates(); gate++) {
      gateGradients[gate] = dgates.floats()[dgates.offset() + gate];
    }
    throughGroups(thresholds, scales, nesting, dthresholds);
    throughShells(thresholds, scales, nesting, dthresholds);
    // dw = P Q deffective + (what comes through the norms) w.
    for (int a = 0; a < shells; a++) {
      for (int b = 0; b < groups; b++) {
        products[a * groups + b] = shellFactor[a] * groupFactor[b];
      }
    }
    scaled(deffective, nesting, products, dw, false);
    scaled(w, nesting, weightFactor, dw, true);
  }

  /** Sums of x y over each pair of shell and group. */
  private static void sums(Tensor x, Tensor y, Nesting nesting, double[] sums) {
    Arrays.fill(sums, 0);
    int groups = nesting.groups();
    float[] xs = x.floats();
    float[] ys = y.floats();
    int tap = 0;
    for (int row = 0; row < nesting.kernel(); row++) {
      for (int column = 0; column < nesting.kernel(); column++) {
        int shell = nesting.shell(row, column);
        int at = tap++ * nesting.channels();
        for (int b = 0; b < groups; b++) {
          double sum = 0;
          for (int c = nesting.firstChannel(b); c < nesting.channels(b); c++) {
            sum += (double) xs[x.offset() + at + c] * ys[y.offset() + at + c];
          }
          sums[shell * groups + b] += sum;
        }
      }
    }
  }

  /** out = factor x, or out += factor x, with a factor for each pair of shell and group. */
  private static void scaled(
      Tensor x, Nesting nesting, double[] factors, Tensor out, boolean accumulate) {
    int groups = nesting.groups();
    float[] xs = x.floats();
    float[] outs = out.floats();
    int tap = 0;
    for (int row = 0; row < nesting.kernel(); row++) {
      for (int column = 0; column < nesting.kernel(); column++) {
        int shell = nesting.shell(row, column);
        int at = tap++ * nesting.channels();
        for (int b = 0; b < groups; b++) {
          double factor = factors[shell * groups + b];
          for (int c = nesting.firstChannel(b); c < nesting.channels(b); c++) {
            double old = accumulate ? outs[out.offset() + at + c] : 0;
            outs[out.offset() + at + c] = (float) (old + factor * xs[x.offset() + at + c]);
          }
        }
      }
    }
  }

  /** Norms and factors: shells first, since the groups' norms are of the masked kernel. */
  private void evaluate(Tensor thresholds, Tensor scales, Nesting nesting) {
    int shells = nesting.shells();
    int groups = nesting.groups();
    shellFactor[0] = 1;
    for (int a = 1; a < shells; a++) {
      double sum = 0;
      for (int b = 0; b < groups; b++) {
        sum += squares[a * groups + b];
      }
      norms[a - 1] = Math.sqrt(sum / nesting.shellSize(a));
      shellFactor[a] = shellFactor[a - 1] * gate(a - 1, thresholds, scales);
    }
    groupFactor[0] = 1;
    for (int b = 0; b < groups; b++) {
      double sum = 0;
      for (int a = 0; a < shells; a++) {
        sum += shellFactor[a] * shellFactor[a] * squares[a * groups + b];
      }
      int gate = shells - 1 + b;
      norms[gate] = Math.sqrt(sum / nesting.groupSize(b));
      if (b > 0) {
        groupFactor[b] = groupFactor[b - 1] * gate(gate, thresholds, scales);
      }
    }
  }

  private double gate(int gate, Tensor thresholds, Tensor scales) {
    double margin = norms[gate] - thresholds.floats()[thresholds.offset() + gate];
    return margin >= 0 ? scales.floats()[scales.offset() + gate] : 0;
  }

  /**
   * The straight-through derivative of a gate with respect to its norm: that of a sigmoid, written
   * so that it does not vanish in rounding where the sigmoid is 1.
   */
  private double slope(int gate, Tensor thresholds, Tensor scales) {
    double margin = norms[gate] - thresholds.floats()[thresholds.offset() + gate];
    double sigmoid = 1 / (1 + Math.exp(-margin));
    double rest = 1 / (1 + Math.exp(margin));
    return scales.floats()[scales.offset() + gate] * sigmoid * rest;
  }

  /**
   * From the groups' gates to thresholds, to w and, since their norms are masked, to the shells.
   */
  private void throughGroups(
      Tensor thresholds, Tensor scales, Nesting nesting, Tensor dthresholds) {
    int shells = nesting.shells();
    int groups = nesting.groups();
    Arrays.fill(shellGradients, 0);
    for (int b = groups - 1; b >= 0; b--) {
      int gate = shells - 1 + b;
      double gradient = gateGradients[gate];
      if (b > 0) {
        // The gate of group b is a factor of its own and of all later groups.
        double before = groupFactor[b - 1];
        double inner = 1;
        for (int later = b; later < groups; later++) {
          if (later > b) {
            inner *= gate(shells - 1 + later, thresholds, scales);
          }
          for (int a = 0; a < shells; a++) {
            gradient += shellFactor[a] * before * inner * products[a * groups + later];
          }
        }
      }
      double dnorm = gradient * slope(gate, thresholds, scales);
      dthresholds.floats()[dthresholds.offset() + gate] = (float) -dnorm;
      double perSquare = norms[gate] == 0 ? 0 : dnorm / (norms[gate] * nesting.groupSize(b));
      for (int a = 0; a < shells; a++) {
        weightFactor[a * groups + b] = perSquare * shellFactor[a] * shellFactor[a];
        shellGradients[a] +=
            groupFactor[b] * products[a * groups + b]
                + perSquare * shellFactor[a] * squares[a * groups + b];
      }
    }
  }

  private void throughShells(
      Tensor thresholds, Tensor scales, Nesting nesting, Tensor dthresholds) {
    int shells = nesting.shells();
    int groups = nesting.groups();
    for (int a = 1; a < shells; a++) {
      int gate = a - 1;
      double gradient = gateGradients[gate];
      double inner = 1;
      for (int outer = a; outer < shells; outer++) {
        if (outer > a) {
          inner *= gate(outer - 1, thresholds, scales);
        }
        gradient += shellGradients[outer] * shellFactor[a - 1] * inner;
      }
      double dnorm = gradient * slope(gate, thresholds, scales);
      dthresholds.floats()[dthresholds.offset() + gate] = (float) -dnorm;
      double perSquare = norms[gate] == 0 ? 0 : dnorm / (norms[gate] * nesting.shellSize(a));
      for (int b = 0; b < groups; b++) {
        weightFactor[a * groups + b] += perSquare;
      }
    }
  }

  private void resize(Nesting nesting) {
    if (shellFactor.length < nesting.shells() || groupFactor.length < nesting.groups()) {
      int shells = Math.max(shellFactor.length, nesting.shells());
      int groups = Math.max(groupFactor.length, nesting.groups());
      squares = new double[shells * groups];
      products = new double[shells * groups];
      weightFactor = new double[shells * groups];
      shellFactor = new double[shells];
      shellGradients = new double[shells];
      groupFactor = new double[groups];
      norms = new double[shells - 1 + groups];
      gateGradients = new double[shells - 1 + groups];
    }
  }
}
