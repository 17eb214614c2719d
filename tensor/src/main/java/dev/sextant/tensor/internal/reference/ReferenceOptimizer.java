package dev.sextant.tensor.internal.reference;

import static dev.sextant.tensor.internal.reference.Elements.read;
import static dev.sextant.tensor.internal.reference.Elements.write;

import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.family.Optimizer;
import dev.sextant.tensor.family.OptimizerRules;

/** Optimizer steps; shapes are already checked. */
final class ReferenceOptimizer implements Optimizer {
  @Override
  public void sgd(
      Tensor w, Tensor g, Tensor v, float rate, float momentum, float decay, boolean nesterov) {
    OptimizerRules.sgd(w, g, v);
    double[] ws = read(w);
    double[] gs = read(g);
    double[] vs = read(v);
    for (int i = 0; i < ws.length; i++) {
      double gradient = gs[i] + decay * ws[i];
      vs[i] = momentum * vs[i] + gradient;
      ws[i] -= rate * (nesterov ? gradient + momentum * vs[i] : vs[i]);
    }
    write(vs, v);
    write(ws, w);
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
      int step) {
    OptimizerRules.adam(w, g, m, v);
    double[] ws = read(w);
    double[] gs = read(g);
    double[] ms = read(m);
    double[] vs = read(v);
    double firstBias = 1 - Math.pow(beta1, step);
    double secondBias = 1 - Math.pow(beta2, step);
    for (int i = 0; i < ws.length; i++) {
      double gradient = gs[i] + decay * ws[i];
      ms[i] = beta1 * ms[i] + (1.0 - beta1) * gradient;
      vs[i] = beta2 * vs[i] + (1.0 - beta2) * gradient * gradient;
      ws[i] -= rate * (ms[i] / firstBias) / (Math.sqrt(vs[i] / secondBias) + epsilon);
    }
    write(ms, m);
    write(vs, v);
    write(ws, w);
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
    double[] ws = read(w);
    double[] gs = read(g);
    double[] ss = read(s);
    double[] vs = read(v);
    for (int i = 0; i < ws.length; i++) {
      double gradient = gs[i] + decay * ws[i];
      ss[i] = rho * ss[i] + (1.0 - rho) * gradient * gradient;
      vs[i] = momentum * vs[i] + rate * gradient / Math.sqrt(ss[i] + epsilon);
      ws[i] -= vs[i];
    }
    write(ss, s);
    write(vs, v);
    write(ws, w);
  }
}
