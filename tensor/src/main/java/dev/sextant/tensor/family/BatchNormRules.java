package dev.sextant.tensor.family;

import dev.sextant.tensor.BatchNorm;
import dev.sextant.tensor.Check;
import dev.sextant.tensor.NormGradient;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** The rules of {@link BatchNormalization}. A passing check allocates nothing. */
public final class BatchNormRules {
  private BatchNormRules() {}

  /**
   * Checks the arguments of {@link BatchNormalization#statistics}.
   *
   * @param z the norm's input {@code [.., C]}
   * @param mean written, {@code [C]}
   * @param variance written, biased, {@code [C]}
   */
  public static void statistics(Tensor z, Tensor mean, Tensor variance) {
    String op = "batchNormStatistics";
    Check.channels(op, z, mean);
    Check.channels(op, z, variance);
    Check.apart(op, mean, z);
    Check.apart(op, variance, z);
  }

  /**
   * Checks the arguments of {@link BatchNormalization#apply}.
   *
   * @param z the norm's input {@code [.., C]}
   * @param norm its constants
   * @param residual of z's shape; null for none
   * @param out written, of z's shape
   */
  public static void apply(Tensor z, BatchNorm norm, @Nullable Tensor residual, Tensor out) {
    String op = "batchNormApply";
    channels(op, z, norm);
    Check.same(op, z, out);
    if (residual != null) {
      Check.same(op, z, residual);
    }
    Check.inPlace(op, out, z);
    Check.inPlace(op, out, residual);
    apart(op, out, norm);
  }

  /**
   * Checks the arguments of {@link BatchNormalization#backward}.
   *
   * @param z the norm's input {@code [.., C]}
   * @param norm its constants
   * @param dy gradient of the output, of z's shape
   * @param dz gradient of z, written
   * @param dgamma gradient of the scale, written, {@code [C]}
   * @param dbeta gradient of the offset, written, {@code [C]}
   */
  public static void backward(
      Tensor z, BatchNorm norm, Tensor dy, Tensor dz, Tensor dgamma, Tensor dbeta) {
    String op = "batchNormBackward";
    channels(op, z, norm);
    Check.channels(op, z, dgamma);
    Check.channels(op, z, dbeta);
    Check.same(op, z, dy, dz);
    Check.apart(op, dz, z);
    Check.inPlace(op, dz, dy);
    apart(op, dz, norm);
    vectorGradient(op, dgamma, z, norm, dy);
    vectorGradient(op, dbeta, z, norm, dy);
  }

  /**
   * Checks the arguments of {@link BatchNormalization#innerProduct}.
   *
   * @param z the norm's input {@code [.., C]}
   * @param dy gradient of the output, of z's shape
   * @param gamma scale, {@code [C]}
   * @param beta offset, {@code [C]}
   * @param shift about the mean of z, {@code [C]}: sums are taken of z - shift
   */
  public static void innerProduct(Tensor z, Tensor dy, Tensor gamma, Tensor beta, Tensor shift) {
    String op = "batchNormInnerProduct";
    Check.same(op, z, dy);
    Check.channels(op, z, gamma);
    Check.channels(op, z, beta);
    Check.channels(op, z, shift);
  }

  /**
   * Checks the arguments of {@link BatchNormalization#reduce}.
   *
   * @param z the norm's input {@code [.., C]}
   * @param dy gradient of the output, of z's shape
   * @param gradient of the norm: its sums are written
   * @param g written, of z's shape
   */
  public static void reduce(Tensor z, Tensor dy, NormGradient gradient, Tensor g) {
    String op = "batchNormReduce";
    Check.same(op, z, dy, g);
    channels(op, z, gradient);
    Check.apart(op, g, z);
    Check.inPlace(op, g, dy);
    sumsApart(op, gradient, z, dy);
    sumsApart(op, gradient, g, g);
    apart(op, g, gradient.norm());
  }

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
