package dev.sextant.tensor;

import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** What the contract needs to know of the backend under test. */
interface ContractSubject {
  /** Activations where cases take turns: named, so that one added later changes no case. */
  List<Activation> TURNS =
      List.of(
          Activation.IDENTITY,
          Activation.RELU,
          Activation.RELU6,
          Activation.HSWISH,
          Activation.SIGMOID);

  /** The backend under test, open. */
  Backend backend();

  /** Writes elements to a float tensor of the backend. */
  void upload(Tensor tensor, float[] values);

  /** Writes elements to an integer tensor of the backend. */
  void upload(Tensor tensor, int[] values);

  /** Reads the elements of a float tensor of the backend. */
  float[] download(Tensor tensor);

  /** Elements before and after each float operand: an odd number, so that it is not aligned. */
  default int guard() {
    return 5;
  }

  /** A call to be made on the backend and on the reference. */
  default Trial trial(String what, Object... arguments) {
    return new Trial(this, what.formatted(arguments));
  }

  /** Around every vector length in use, and one large enough to be divided among threads. */
  static IntStream sizes() {
    return IntStream.of(0, 1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 65, 257, 70_001);
  }

  /** Channels around every vector length in use. */
  static int[] channels() {
    return new int[] {1, 3, 4, 8, 15, 16, 17, 33};
  }

  /** Kernels 1, 3, 5, 7; strides 1, 2; dilations 1, 2; "same", no and uneven padding. */
  static Stream<Window> windows() {
    Stream.Builder<Window> windows = Stream.builder();
    for (int kernel = 1; kernel <= 7; kernel += 2) {
      for (int stride = 1; stride <= 2; stride++) {
        windows.add(Window.same(kernel, stride));
        windows.add(Window.same(kernel, stride, 2));
      }
    }
    windows.add(new Window(3, 1, 0, 1));
    windows.add(new Window(3, 2, 0, 1));
    windows.add(new Window(2, 2, 0, 1));
    windows.add(new Window(2, 1, 1, 1));
    windows.add(new Window(3, 3, 2, 1));
    windows.add(new Window(1, 1, 1, 1));
    return windows.build();
  }

  /**
   * Images {@code {N, H, W}} that a window fits, of one pixel to 9x9: one or three of each size,
   * over all windows both, and an empty batch.
   */
  static Stream<int[]> images(Window window) {
    int[][] sizes = {{1, 1}, {1, 4}, {2, 3}, {3, 2}, {4, 4}, {5, 7}, {6, 6}, {8, 5}, {9, 9}};
    int turn = window.kernel() / 2 + window.stride() + window.dilation() + window.padding();
    IntStream fitting =
        IntStream.range(0, sizes.length)
            .filter(
                i -> Math.min(sizes[i][0], sizes[i][1]) + 2 * window.padding() >= window.span());
    return Stream.concat(
        Stream.of(new int[] {0, 9, 9}),
        fitting.mapToObj(i -> new int[] {(i + turn) % 2 == 0 ? 1 : 3, sizes[i][0], sizes[i][1]}));
  }
}
