package dev.sextant.tensor.internal;

import dev.sextant.tensor.Backend.BatchNorm;
import dev.sextant.tensor.Backend.NormGradient;
import dev.sextant.tensor.Check;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** The rules for the operands of batch norms and of convolutions fused with them. */
final class NormRules {
  private NormRules() {}

  static void vectorGradient(String op, Tensor gradient, Tensor z, BatchNorm norm, Tensor dy) {
    Check.apart(op, gradient, z);
    Check.apart(op, gradient, dy);
    apart(op, gradient, norm);
  }

  static void normalizedOutput(
      String op,
      Tensor x,
      @Nullable BatchNorm norm,
      Tensor w,
      Tensor z,
      Tensor mean,
      Tensor variance) {
    Check.channels(op, z, mean);
    Check.channels(op, z, variance);
    Check.apart(op, z, x);
    Check.apart(op, z, w);
    Check.apart(op, mean, z);
    Check.apart(op, variance, z);
    if (norm != null) {
      channels(op, x, norm);
      apart(op, z, norm);
    }
  }

  static void outputGradient(String op, Tensor g, Tensor z, NormGradient gradient) {
    Check.same(op, g, z);
    channels(op, z, gradient);
  }

  static void inputGradient(
      String op, @Nullable Tensor x, @Nullable NormGradient into, Tensor gx, Tensor g, Tensor z) {
    Check.apart(op, gx, x);
    Check.apart(op, gx, g);
    Check.apart(op, gx, z);
    if (into != null) {
      Check.same(op, present(op, x), gx);
      channels(op, gx, into);
      apart(op, gx, into.norm());
      sumsApart(op, into, gx, x);
    }
  }

  static Tensor present(String op, @Nullable Tensor x) {
    if (x == null) {
      throw new SextantException(op + ": the input is absent, but asked to be read");
    }
    return x;
  }

  static void sumsApart(String op, NormGradient gradient, Tensor first, @Nullable Tensor second) {
    Check.apart(op, gradient.dgamma(), first);
    Check.apart(op, gradient.dgamma(), second);
    apart(op, gradient.dgamma(), gradient.norm());
    Check.apart(op, gradient.dbeta(), first);
    Check.apart(op, gradient.dbeta(), second);
    apart(op, gradient.dbeta(), gradient.norm());
  }

  static void channels(String op, Tensor z, NormGradient gradient) {
    channels(op, z, gradient.norm());
    Check.channels(op, z, gradient.dgamma());
    Check.channels(op, z, gradient.dbeta());
  }

  static void channels(String op, Tensor z, BatchNorm norm) {
    Check.channels(op, z, norm.mean());
    Check.channels(op, z, norm.variance());
    Check.channels(op, z, norm.gamma());
    Check.channels(op, z, norm.beta());
  }

  static void apart(String op, Tensor output, BatchNorm norm) {
    Check.apart(op, output, norm.mean());
    Check.apart(op, output, norm.variance());
    Check.apart(op, output, norm.gamma());
    Check.apart(op, output, norm.beta());
  }
}
