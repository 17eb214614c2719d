package dev.sextant.kernels.channels;

import dev.sextant.kernels.ptx.Assembler;
import dev.sextant.kernels.ptx.Operand.B32;
import dev.sextant.kernels.ptx.Operand.B64;
import dev.sextant.kernels.ptx.Operand.F32;
import dev.sextant.kernels.ptx.Operand.Pred;

/**
 * The threads of a kernel over rows of channels: x runs over vectors of channels, so that a warp
 * reads consecutive memory whatever the number of channels; y over rows, tiles or chunks.
 */
public final class ChannelThreads {
  final Assembler k;
  public final int width;
  final B32 channels;

  /** The first channel of this thread's vector. */
  public final B32 channel;

  /** Whether that vector exists: threads past the end stay for the barriers. */
  public final Pred inside;

  /**
   * Computes where this thread is.
   *
   * @param part the special register that counts parts of the channels, such as {@code %ctaid.x}
   */
  public ChannelThreads(Assembler k, int width, B32 channels, String part) {
    this.k = k;
    this.width = width;
    this.channels = channels;
    k.comment("x counts vectors of channels");
    B32 vector = k.multiplyAdd(k.special(part), k.special("%ntid.x"), k.special("%tid.x"));
    channel = k.multiply(vector, width);
    inside = k.less(channel, channels);
  }

  /** The address of this thread's channels in a row of a {@code [rows, C]} array. */
  public B64 at(B64 base, B32 row) {
    return k.element(base, k.multiplyAdd(row, channels, channel));
  }

  /** This thread's entries of a per-channel vector {@code [C]}. */
  public F32[] vector(B64 base) {
    return k.load(k.element(base, channel), 0, width, true);
  }

  /** Variables of a vector's width, all zero. */
  public F32[] zeros(String name) {
    F32[] zeros = new F32[width];
    for (int lane = 0; lane < width; lane++) {
      zeros[lane] = k.variable(name + lane, k.constant(0f));
    }
    return zeros;
  }
}
