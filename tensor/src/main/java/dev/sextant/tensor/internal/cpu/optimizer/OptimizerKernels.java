package dev.sextant.tensor.internal.cpu.optimizer;

import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.family.Optimizer;
import dev.sextant.tensor.family.OptimizerRules;
import dev.sextant.tensor.internal.cpu.team.Shares;
import dev.sextant.tensor.internal.cpu.team.WorkerTeam;
import dev.sextant.tensor.internal.cpu.vector.VectorWidth;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/** Optimizer steps, each one pass over the weights and their state. */
public final class OptimizerKernels implements Optimizer {
  private static final VectorSpecies<Float> SPECIES = VectorWidth.SPECIES;
  private static final int LANES = SPECIES.length();
  private static final int GRAIN = 4 * LANES;

  private enum Op {
    SGD,
    ADAM,
    RMS_PROP
  }

  private final WorkerTeam team;
  private final Step step = new Step();

  public OptimizerKernels(WorkerTeam team) {
    this.team = team;
  }

  @Override
  public void sgd(
      Tensor w, Tensor g, Tensor v, float rate, float momentum, float decay, boolean nesterov) {
    OptimizerRules.sgd(w, g, v);
    step.rate = rate;
    step.momentum = momentum;
    step.decay = decay;
    step.nesterov = nesterov;
    run(Op.SGD, w, g, v, v);
  }

  @Override
  public void adam(
      Tensor w,
      Tensor g,
      Tensor m,
      Tensor v,
      float rate,
      float beta1,
      float beta2,
      float epsilon,
      float decay,
      int count) {
    OptimizerRules.adam(w, g, m, v);
    step.rate = (float) (rate / (1 - Math.pow(beta1, count)));
    step.inverseBias = (float) (1 / (1 - Math.pow(beta2, count)));
    step.momentum = beta1;
    step.rho = beta2;
    step.epsilon = epsilon;
    step.decay = decay;
    run(Op.ADAM, w, g, m, v);
  }

  @Override
  public void rmsProp(
      Tensor w,
      Tensor g,
      Tensor s,
      Tensor v,
      float rate,
      float rho,
      float momentum,
      float epsilon,
      float decay) {
    OptimizerRules.rmsProp(w, g, s, v);
    step.rate = rate;
    step.rho = rho;
    step.momentum = momentum;
    step.epsilon = epsilon;
    step.decay = decay;
    run(Op.RMS_PROP, w, g, v, s);
  }

  private void run(Op op, Tensor w, Tensor g, Tensor first, Tensor second) {
    step.op = op;
    step.w = w.floats();
    step.wOffset = w.offset();
    step.g = g.floats();
    step.gOffset = g.offset();
    step.first = first.floats();
    step.firstOffset = first.offset();
    step.second = second.floats();
    step.secondOffset = second.offset();
    step.size = w.size();
    Shares.run(team, step, step.size);
  }

  /** The operands of the call in progress; kept, so that a call allocates nothing. */
  private static final class Step implements WorkerTeam.Task {
    private Op op = Op.SGD;
    private float[] w = {};
    private float[] g = {};
    private float[] first = {};
    private float[] second = {};
    private int wOffset;
    private int gOffset;
    private int firstOffset;
    private int secondOffset;
    private int size;
    private float rate;
    private float momentum;
    private float rho;
    private float epsilon;
    private float decay;
    private float inverseBias;
    private boolean nesterov;

    @Override
    public void run(int worker, int workers) {
      int from = Shares.begin(size, GRAIN, worker, workers);
      int count = Shares.begin(size, GRAIN, worker + 1, workers) - from;
      int wi = wOffset + from;
      int gi = gOffset + from;
      int fi = firstOffset + from;
      int si = secondOffset + from;
      switch (op) {
        case SGD -> sgd(wi, gi, fi, count);
        case ADAM -> adam(wi, gi, fi, si, count);
        case RMS_PROP -> rmsProp(wi, gi, fi, si, count);
      }
    }

    private void sgd(int wi, int gi, int vi, int count) {
      float[] w = this.w;
      float[] g = this.g;
      float[] v = this.first;
      // The step is g + momentum v with Nesterov and v without: one formula, and no branch.
      float ofVelocity = nesterov ? momentum : 1;
      float ofGradient = nesterov ? 1 : 0;
      FloatVector decays = FloatVector.broadcast(SPECIES, decay);
      FloatVector momenta = FloatVector.broadcast(SPECIES, momentum);
      FloatVector ofVelocities = FloatVector.broadcast(SPECIES, ofVelocity);
      FloatVector rates = FloatVector.broadcast(SPECIES, -rate);
      int bound = SPECIES.loopBound(count);
      int i = 0;
      for (; i < bound; i += LANES) {
        FloatVector weight = FloatVector.fromArray(SPECIES, w, wi + i);
        FloatVector gradient = weight.fma(decays, FloatVector.fromArray(SPECIES, g, gi + i));
        FloatVector velocity = FloatVector.fromArray(SPECIES, v, vi + i).fma(momenta, gradient);
        velocity.intoArray(v, vi + i);
        velocity
            .fma(ofVelocities, gradient.mul(ofGradient))
            .fma(rates, weight)
            .intoArray(w, wi + i);
      }
      for (; i < count; i++) {
        float gradient = Math.fma(w[wi + i], decay, g[gi + i]);
        float velocity = Math.fma(v[vi + i], momentum, gradient);
        v[vi + i] = velocity;
        w[wi + i] =
            Math.fma(Math.fma(velocity, ofVelocity, gradient * ofGradient), -rate, w[wi + i]);
      }
    }

    private void adam(int wi, int gi, int mi, int vi, int count) {
      float[] w = this.w;
      float[] g = this.g;
      float[] m = this.first;
      float[] v = this.second;
      float fresh1 = (float) (1.0 - momentum);
      float fresh2 = (float) (1.0 - rho);
      FloatVector decays = FloatVector.broadcast(SPECIES, decay);
      FloatVector betas1 = FloatVector.broadcast(SPECIES, momentum);
      FloatVector betas2 = FloatVector.broadcast(SPECIES, rho);
      int bound = SPECIES.loopBound(count);
      int i = 0;
      for (; i < bound; i += LANES) {
        FloatVector weight = FloatVector.fromArray(SPECIES, w, wi + i);
        FloatVector gradient = weight.fma(decays, FloatVector.fromArray(SPECIES, g, gi + i));
        FloatVector mean =
            FloatVector.fromArray(SPECIES, m, mi + i).fma(betas1, gradient.mul(fresh1));
        FloatVector square =
            FloatVector.fromArray(SPECIES, v, vi + i)
                .fma(betas2, gradient.mul(gradient).mul(fresh2));
        mean.intoArray(m, mi + i);
        square.intoArray(v, vi + i);
        weight
            .sub(mean.mul(rate).div(square.mul(inverseBias).sqrt().add(epsilon)))
            .intoArray(w, wi + i);
      }
      for (; i < count; i++) {
        float gradient = Math.fma(w[wi + i], decay, g[gi + i]);
        float mean = Math.fma(m[mi + i], momentum, gradient * fresh1);
        float square = Math.fma(v[vi + i], rho, gradient * gradient * fresh2);
        m[mi + i] = mean;
        v[vi + i] = square;
        w[wi + i] -= mean * rate / ((float) Math.sqrt(square * inverseBias) + epsilon);
      }
    }

    private void rmsProp(int wi, int gi, int vi, int si, int count) {
      float[] w = this.w;
      float[] g = this.g;
      float[] v = this.first;
      float[] s = this.second;
      float fresh = (float) (1.0 - rho);
      FloatVector decays = FloatVector.broadcast(SPECIES, decay);
      FloatVector rhos = FloatVector.broadcast(SPECIES, rho);
      FloatVector momenta = FloatVector.broadcast(SPECIES, momentum);
      int bound = SPECIES.loopBound(count);
      int i = 0;
      for (; i < bound; i += LANES) {
        FloatVector weight = FloatVector.fromArray(SPECIES, w, wi + i);
        FloatVector gradient = weight.fma(decays, FloatVector.fromArray(SPECIES, g, gi + i));
        FloatVector square =
            FloatVector.fromArray(SPECIES, s, si + i).fma(rhos, gradient.mul(gradient).mul(fresh));
        FloatVector velocity =
            FloatVector.fromArray(SPECIES, v, vi + i)
                .fma(momenta, gradient.mul(rate).div(square.add(epsilon).sqrt()));
        square.intoArray(s, si + i);
        velocity.intoArray(v, vi + i);
        weight.sub(velocity).intoArray(w, wi + i);
      }
      for (; i < count; i++) {
        float gradient = Math.fma(w[wi + i], decay, g[gi + i]);
        float square = Math.fma(s[si + i], rho, gradient * gradient * fresh);
        float velocity =
            Math.fma(v[vi + i], momentum, gradient * rate / (float) Math.sqrt(square + epsilon));
        s[si + i] = square;
        v[vi + i] = velocity;
        w[wi + i] -= velocity;
      }
    }
  }
}
