package dev.sextant.tensor.internal.reference;

import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Window;

/** The one loop nest that convolutions and poolings share: which tap joins which two pixels. */
final class Taps {
  /** Called for every tap that falls inside the image. */
  interface Visitor {
    /**
     * One tap of one window.
     *
     * @param tap row-major index in the window, from 0
     * @param in index of the input pixel among {@code [N, H, W]}
     * @param out index of the output pixel among {@code [N, H', W']}
     */
    void visit(int tap, int in, int out);
  }

  private Taps() {}

  /**
   * Visits output pixels in row-major order, and the taps of each in row-major order.
   *
   * @param image {@code [N, H, W, C]}
   * @param output {@code [N, H', W', C']}
   */
  static void forEach(Shape image, Shape output, Window window, Visitor visitor) {
    int height = image.get(1);
    int width = image.get(2);
    int out = 0;
    for (int n = 0; n < output.get(0); n++) {
      for (int oh = 0; oh < output.get(1); oh++) {
        for (int ow = 0; ow < output.get(2); ow++) {
          for (int tap = 0; tap < window.kernel() * window.kernel(); tap++) {
            int h =
                oh * window.stride() - window.padding() + tap / window.kernel() * window.dilation();
            int w =
                ow * window.stride() - window.padding() + tap % window.kernel() * window.dilation();
            if (h >= 0 && h < height && w >= 0 && w < width) {
              visitor.visit(tap, (n * height + h) * width + w, out);
            }
          }
          out++;
        }
      }
    }
  }
}
