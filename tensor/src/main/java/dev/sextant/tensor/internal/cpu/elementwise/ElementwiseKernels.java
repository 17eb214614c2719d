package dev.sextant.tensor.internal.cpu.elementwise;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.family.Elementwise;
import dev.sextant.tensor.family.ElementwiseRules;
import dev.sextant.tensor.internal.cpu.team.Shares;
import dev.sextant.tensor.internal.cpu.team.WorkerTeam;
import dev.sextant.tensor.internal.cpu.vector.VectorActivation;
import dev.sextant.tensor.internal.cpu.vector.VectorMath;
import dev.sextant.tensor.internal.cpu.vector.VectorWidth;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Elementwise kernels and the reductions over all elements. Scalar tails do the arithmetic of the
 * vector loop, so an element's value does not depend on how the work was divided.
 */
public final class ElementwiseKernels implements Elementwise {
  private static final VectorSpecies<Float> SPECIES = VectorWidth.SPECIES;
  private static final int LANES = SPECIES.length();
  private static final int GRAIN = 4 * LANES;

  /** Gradients computed at a time, before they are stored. */
  private static final int CHUNK = 64 * LANES;

  /** Elements summed in float before they go to a double: 64 to a lane with four accumulators. */
  private static final int BLOCK = 256 * LANES;

  /** Doubles between two workers' partial sums, against false sharing. */
  private static final int PARTIAL_STRIDE = 16;

  private enum Op {
    FILL,
    COPY,
    AXPY,
    SCALE,
    ADD,
    MULTIPLY,
    ACTIVATE,
    ACTIVATE_BACKWARD,
    SUM,
    DOT
  }

  private final WorkerTeam team;
  private final Range range = new Range();
  private final double[] partials;
  private final float[] scratch;

  public ElementwiseKernels(WorkerTeam team) {
    this.team = team;
    partials = new double[team.threads() * PARTIAL_STRIDE];
    scratch = new float[team.threads() * CHUNK];
  }

  @Override
  public void fill(Tensor x, float value) {
    range.factor = value;
    run(Op.FILL, x, x, x);
  }

  @Override
  public void copy(Tensor from, Tensor to) {
    ElementwiseRules.copy(from, to);
    run(Op.COPY, from, from, to);
  }

  @Override
  public void axpy(float a, Tensor x, Tensor y) {
    ElementwiseRules.axpy(x, y);
    range.factor = a;
    run(Op.AXPY, x, y, y);
  }

  @Override
  public void scale(Tensor x, float factor, Tensor out) {
    ElementwiseRules.scale(x, out);
    range.factor = factor;
    run(Op.SCALE, x, x, out);
  }

  @Override
  public void add(Tensor a, Tensor b, Tensor out) {
    ElementwiseRules.add(a, b, out);
    run(Op.ADD, a, b, out);
  }

  @Override
  public void multiply(Tensor a, Tensor b, Tensor out) {
    ElementwiseRules.multiply(a, b, out);
    run(Op.MULTIPLY, a, b, out);
  }

  @Override
  public void activate(Tensor x, Activation activation, Tensor out) {
    ElementwiseRules.activate(x, out);
    range.activation = activation;
    run(Op.ACTIVATE, x, x, out);
  }

  @Override
  public void activateBackward(Tensor x, Activation activation, Tensor dy, Tensor dx) {
    ElementwiseRules.activateBackward(x, dy, dx);
    range.activation = activation;
    run(Op.ACTIVATE_BACKWARD, x, dy, dx);
  }

  @Override
  public double sum(Tensor x) {
    return reduce(Op.SUM, x, x);
  }

  @Override
  public double dot(Tensor a, Tensor b) {
    ElementwiseRules.dot(a, b);
    return reduce(Op.DOT, a, b);
  }

  private double reduce(Op op, Tensor a, Tensor b) {
    Arrays.fill(partials, 0);
    run(op, a, b, a);
    double total = 0;
    for (int worker = 0; worker < team.threads(); worker++) {
      total += partials[worker * PARTIAL_STRIDE];
    }
    return total;
  }

  private void run(Op op, Tensor a, Tensor b, Tensor out) {
    range.op = op;
    range.a = a.floats();
    range.aOffset = a.offset();
    range.b = b.floats();
    range.bOffset = b.offset();
    range.out = out.floats();
    range.outOffset = out.offset();
    range.size = out.size();
    Shares.run(team, range, range.size);
  }

  /** The operands of the call in progress; kept, so that a call allocates nothing. */
  private final class Range implements WorkerTeam.Task {
    private Op op = Op.FILL;
    private Activation activation = Activation.IDENTITY;
    private float factor;
    private float[] a = {};
    private float[] b = {};
    private float[] out = {};
    private int aOffset;
    private int bOffset;
    private int outOffset;
    private int size;

    @Override
    public void run(int worker, int workers) {
      int from = Shares.begin(size, GRAIN, worker, workers);
      int count = Shares.begin(size, GRAIN, worker + 1, workers) - from;
      int x = aOffset + from;
      int y = bOffset + from;
      int to = outOffset + from;
      switch (op) {
        case FILL -> Arrays.fill(out, to, to + count, factor);
        case COPY -> System.arraycopy(a, x, out, to, count);
        case AXPY -> axpy(factor, a, x, b, y, count);
        case SCALE -> scale(a, x, factor, out, to, count);
        case ADD -> VectorMath.add(a, x, b, y, out, to, count);
        case MULTIPLY -> multiply(a, x, b, y, out, to, count);
        case ACTIVATE -> VectorActivation.apply(a, x, out, to, count, activation);
        case ACTIVATE_BACKWARD ->
            activateBackward(a, x, activation, b, y, out, to, count, scratch, worker * CHUNK);
        case SUM -> partials[worker * PARTIAL_STRIDE] = sum(a, x, count, scratch, worker * CHUNK);
        case DOT ->
            partials[worker * PARTIAL_STRIDE] = dot(a, x, b, y, count, scratch, worker * CHUNK);
      }
    }
  }

  private static void axpy(float factor, float[] x, int xi, float[] y, int yi, int count) {
    FloatVector factors = FloatVector.broadcast(SPECIES, factor);
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector addend = FloatVector.fromArray(SPECIES, y, yi + i);
      FloatVector.fromArray(SPECIES, x, xi + i).fma(factors, addend).intoArray(y, yi + i);
    }
    for (; i < count; i++) {
      y[yi + i] = Math.fma(factor, x[xi + i], y[yi + i]);
    }
  }

  private static void scale(float[] x, int xi, float factor, float[] out, int oi, int count) {
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector.fromArray(SPECIES, x, xi + i).mul(factor).intoArray(out, oi + i);
    }
    for (; i < count; i++) {
      out[oi + i] = x[xi + i] * factor;
    }
  }

  private static void multiply(
      float[] a, int ai, float[] b, int bi, float[] out, int oi, int count) {
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector.fromArray(SPECIES, a, ai + i)
          .mul(FloatVector.fromArray(SPECIES, b, bi + i))
          .intoArray(out, oi + i);
    }
    for (; i < count; i++) {
      out[oi + i] = a[ai + i] * b[bi + i];
    }
  }

  /** dx = dy activation'(x); by way of scratch, for dx may be dy. */
  private static void activateBackward(
      float[] x,
      int xi,
      Activation activation,
      float[] dy,
      int yi,
      float[] dx,
      int oi,
      int count,
      float[] scratch,
      int scratchOffset) {
    for (int i = 0; i < count; i += CHUNK) {
      int length = Math.min(CHUNK, count - i);
      VectorActivation.gradient(x, xi + i, dy, yi + i, scratch, scratchOffset, length, activation);
      System.arraycopy(scratch, scratchOffset, dx, oi + i, length);
    }
  }

  private static double sum(float[] x, int xi, int count, float[] scratch, int scratchOffset) {
    double total = 0;
    int i = 0;
    while (count - i >= GRAIN) {
      int end = i + Math.min(BLOCK, (count - i) / GRAIN * GRAIN);
      FloatVector s0 = FloatVector.zero(SPECIES);
      FloatVector s1 = FloatVector.zero(SPECIES);
      FloatVector s2 = FloatVector.zero(SPECIES);
      FloatVector s3 = FloatVector.zero(SPECIES);
      for (; i < end; i += GRAIN) {
        s0 = FloatVector.fromArray(SPECIES, x, xi + i).add(s0);
        s1 = FloatVector.fromArray(SPECIES, x, xi + i + LANES).add(s1);
        s2 = FloatVector.fromArray(SPECIES, x, xi + i + 2 * LANES).add(s2);
        s3 = FloatVector.fromArray(SPECIES, x, xi + i + 3 * LANES).add(s3);
      }
      s0.add(s1).add(s2.add(s3)).intoArray(scratch, scratchOffset);
      total += VectorMath.sum(scratch, scratchOffset);
    }
    for (; i < count; i++) {
      total += x[xi + i];
    }
    return total;
  }

  private static double dot(
      float[] a, int ai, float[] b, int bi, int count, float[] scratch, int scratchOffset) {
    double total = 0;
    int i = 0;
    while (count - i >= GRAIN) {
      int end = i + Math.min(BLOCK, (count - i) / GRAIN * GRAIN);
      FloatVector s0 = FloatVector.zero(SPECIES);
      FloatVector s1 = FloatVector.zero(SPECIES);
      FloatVector s2 = FloatVector.zero(SPECIES);
      FloatVector s3 = FloatVector.zero(SPECIES);
      for (; i < end; i += GRAIN) {
        s0 =
            FloatVector.fromArray(SPECIES, a, ai + i)
                .fma(FloatVector.fromArray(SPECIES, b, bi + i), s0);
        s1 =
            FloatVector.fromArray(SPECIES, a, ai + i + LANES)
                .fma(FloatVector.fromArray(SPECIES, b, bi + i + LANES), s1);
        s2 =
            FloatVector.fromArray(SPECIES, a, ai + i + 2 * LANES)
                .fma(FloatVector.fromArray(SPECIES, b, bi + i + 2 * LANES), s2);
        s3 =
            FloatVector.fromArray(SPECIES, a, ai + i + 3 * LANES)
                .fma(FloatVector.fromArray(SPECIES, b, bi + i + 3 * LANES), s3);
      }
      s0.add(s1).add(s2.add(s3)).intoArray(scratch, scratchOffset);
      total += VectorMath.sum(scratch, scratchOffset);
    }
    for (; i < count; i++) {
      total += (double) a[ai + i] * b[bi + i];
    }
    return total;
  }
}
