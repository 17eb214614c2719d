package dev.sextant.tensor.family;

import dev.sextant.tensor.Check;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Tensor;
import java.util.Locale;

/** The rules of {@link Channels}. A passing check allocates nothing. */
public final class ChannelRules {
  private ChannelRules() {}

  /**
   * Checks the arguments of {@link Channels#addBias}.
   *
   * @param x {@code [.., C]}
   * @param bias {@code [C]}
   * @param out written, of x's shape
   */
  public static void addBias(Tensor x, Tensor bias, Tensor out) {
    String op = "addBias";
    Check.channels(op, x, bias);
    Check.same(op, x, out);
    Check.inPlace(op, out, x);
    Check.apart(op, out, bias);
  }

  /**
   * Checks the arguments of {@link Channels#sum}.
   *
   * @param x {@code [.., C]}
   * @param out written, {@code [C]}
   */
  public static void sum(Tensor x, Tensor out) {
    Check.channels("channelSum", x, out);
    Check.apart("channelSum", out, x);
  }

  /**
   * Checks the arguments of {@link Channels#scale}.
   *
   * @param x {@code [N, H, W, C]}
   * @param s {@code [N, C]}
   * @param out written, of x's shape
   */
  public static void scale(Tensor x, Tensor s, Tensor out) {
    String op = "scaleChannels";
    Check.imageChannels(op, "scale", x, s);
    Check.same(op, x, out);
    Check.inPlace(op, out, x);
    Check.apart(op, out, s);
  }

  /**
   * Checks the arguments of {@link Channels#dot}.
   *
   * @param a {@code [N, H, W, C]}
   * @param b of a's shape
   * @param out written, {@code [N, C]}
   */
  public static void dot(Tensor a, Tensor b, Tensor out) {
    String op = "channelDot";
    Check.same(op, a, b);
    Check.imageChannels(op, "output", a, out);
    Check.apart(op, out, a);
    Check.apart(op, out, b);
  }

  /**
   * Checks the arguments of {@link Channels#copy}.
   *
   * @param from {@code [.., C]}
   * @param fromChannel first channel that is read
   * @param to {@code [.., C']}, with as many rows
   * @param toChannel first channel that is written
   * @param count number of channels copied
   */
  public static void copy(Tensor from, int fromChannel, Tensor to, int toChannel, int count) {
    Check.hasChannels("copyChannels", from);
    Check.hasChannels("copyChannels", to);
    if (from.shape().rows() != to.shape().rows()) {
      throw new SextantException(
          String.format(
              Locale.ROOT, "copyChannels: rows differ (from %s, to %s)", from.shape(), to.shape()));
    }
    if (count < 0
        || fromChannel < 0
        || toChannel < 0
        || fromChannel > from.shape().channels() - count
        || toChannel > to.shape().channels() - count) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "copyChannels: %d channels from %d of %s do not fit at %d of %s",
              count,
              fromChannel,
              from.shape(),
              toChannel,
              to.shape()));
    }
    Check.apart("copyChannels", to, from);
  }
}
