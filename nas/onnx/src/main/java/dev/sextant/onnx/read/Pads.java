package dev.sextant.onnx.read;

import dev.sextant.tensor.Shape;

/** What a window's node adds around the image: top, left, bottom, right. */
final class Pads {
  private static final int MOST = 4096;

  private Pads() {}

  static int[] of(NodeReader node, Shape x, int kernel, int stride, int dilation) {
    if (stride < 1 || dilation < 1 || (long) dilation * kernel > MOST) {
      throw node.error(
          "its stride %d, dilation %d or kernel %d is out of range", stride, dilation, kernel);
    }
    String auto = node.text("auto_pad", "NOTSET");
    int[] pads = node.wholes("pads");
    return switch (auto) {
      case "NOTSET" -> {
        if (pads == null) {
          yield new int[4];
        }
        if (pads.length != 4) {
          throw node.error("has %d pads, not 4", pads.length);
        }
        for (int pad : pads) {
          if (pad < 0 || pad > MOST) {
            throw node.error("its pad of %d is not between 0 and %d", pad, MOST);
          }
        }
        yield pads;
      }
      case "VALID" -> new int[4];
      case "SAME_UPPER", "SAME_LOWER" -> {
        int[] same = new int[4];
        for (int side = 0; side < 2; side++) {
          int extent = x.get(1 + side);
          int steps = (extent + stride - 1) / stride;
          int missing = Math.max(0, (steps - 1) * stride + dilation * (kernel - 1) + 1 - extent);
          int less = missing / 2;
          same[side] = auto.equals("SAME_UPPER") ? less : missing - less;
          same[side + 2] = missing - same[side];
        }
        yield same;
      }
      default -> throw node.error("its auto_pad %s is not supported", NodeReader.shown(auto));
    };
  }

  static boolean isEven(int[] pads) {
    return pads[0] == pads[1] && pads[0] == pads[2] && pads[0] == pads[3];
  }
}
