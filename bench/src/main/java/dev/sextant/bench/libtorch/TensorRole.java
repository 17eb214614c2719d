package dev.sextant.bench.libtorch;

import dev.sextant.tensor.Shape;
import java.util.Locale;

/** What a tensor is, which decides how its dimensions are ordered here and in libtorch. */
public enum TensorRole {
  /** {@code [N, H, W, C]} here, {@code [N, C, H, W]} there. */
  IMAGE("torch.permute(x, [0, 3, 1, 2])", "torch.permute(x, [0, 2, 3, 1])"),
  /** A convolution's kernel: {@code [k, k, in, out]} here, {@code [out, in, k, k]} there. */
  KERNEL("torch.permute(x, [3, 2, 0, 1])", "torch.permute(x, [2, 3, 1, 0])"),
  /** A depthwise kernel: {@code [k, k, C]} here, {@code [C, 1, k, k]} there. */
  DEPTHWISE_KERNEL(
      "torch.unsqueeze(torch.permute(x, [2, 0, 1]), 1)",
      "torch.permute(torch.squeeze(x, 1), [1, 2, 0])"),
  /** A linear layer's weight: {@code [in, out]} here, {@code [out, in]} there. */
  LINEAR("torch.t(x)", "torch.t(x)"),
  /** The same here and there: vectors, matrices of a matrix product, logits. */
  PLAIN("x", "x");

  private final String toTorch;
  private final String fromTorch;

  TensorRole(String toTorch, String fromTorch) {
    this.toTorch = toTorch;
    this.fromTorch = fromTorch;
  }

  /**
   * {@return what a trained parameter or a batch norm's buffer of that shape is}
   *
   * @param shape in this engine's order
   */
  public static TensorRole ofParameter(Shape shape) {
    return switch (shape.rank()) {
      case 4 -> KERNEL;
      case 3 -> DEPTHWISE_KERNEL;
      case 2 -> LINEAR;
      default -> PLAIN;
    };
  }

  /** TorchScript for a copy of {@code x} in libtorch's order and in that layout. */
  String toTorch(Layout layout) {
    int format = this == LINEAR || this == PLAIN ? 0 : layout.memoryFormat();
    return String.format(Locale.ROOT, "torch.clone(%s, memory_format=%d)", toTorch, format);
  }

  /** TorchScript for a dense copy of {@code x} in this engine's order. */
  String fromTorch() {
    return String.format(Locale.ROOT, "torch.clone(%s, memory_format=0)", fromTorch);
  }
}
