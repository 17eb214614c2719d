package dev.sextant.bench.paths;

import ai.djl.ndarray.NDArray;
import dev.sextant.bench.libtorch.Libtorch;
import dev.sextant.bench.libtorch.Script;
import dev.sextant.bench.libtorch.TensorRole;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import java.util.Locale;

/**
 * Poolings on their own: {@code max PASS NxHxWxC kK sS} and {@code avg PASS NxHxWxC kK sS}, padded
 * as in the cells of DARTS, and {@code global PASS NxHxWxC}, the mean of each image. The pass is
 * {@code forward} or {@code backward}. What the forward pass of libtorch keeps for the backward
 * pass of a maximum, the place of each, is made before the timing.
 */
public class Pooling extends TrainingPath {
  /** For JMH. */
  public Pooling() {}

  private record Task(String kind, boolean forward, Shape image, Window window) {
    static Task of(Spec spec) {
      String kind = spec.word();
      String pass = spec.word();
      Shape image = spec.shape();
      Window window =
          kind.equals("global")
              ? Window.POINTWISE
              : Window.same(spec.number("k"), spec.number("s"));
      return new Task(kind, pass.equals("forward"), image, window);
    }

    Shape output() {
      int channels = image.channels();
      return kind.equals("global")
          ? Shape.of(image.get(0), channels)
          : window.output(image, channels);
    }
  }

  @Override
  Work sextant(Spec spec, Backend backend) {
    Task task = Task.of(spec);
    Window window = task.window;
    Tensor x = tensor(backend, task.image, 1);
    Tensor dy = tensor(backend, task.output(), 2);
    Tensor y = empty(backend, task.output());
    Tensor dx = empty(backend, task.image);
    Runnable forward =
        switch (task.kind) {
          case "max" -> () -> backend.pooling().max(x, window, y);
          case "avg" -> () -> backend.pooling().average(x, window, y);
          case "global" -> () -> backend.pooling().globalAverage(x, y);
          default -> throw new IllegalArgumentException(task.kind);
        };
    Runnable backward =
        switch (task.kind) {
          case "max" -> () -> backend.pooling().maxBackward(x, dy, window, dx);
          case "avg" -> () -> backend.pooling().averageBackward(dy, window, dx);
          default -> () -> backend.pooling().globalAverageBackward(dy, dx);
        };
    return new SextantWork(backend, task.forward ? forward : backward);
  }

  @Override
  Work libtorch(Spec spec, Libtorch torch) {
    Task task = Task.of(spec);
    NDArray x = torch.load(TensorRole.IMAGE, values(task.image, 1), task.image);
    NDArray dy =
        task.kind.equals("global")
            ? torch.load(
                TensorRole.IMAGE,
                values(task.output(), 2),
                Shape.of(task.image.get(0), 1, 1, task.image.channels()))
            : torch.load(TensorRole.IMAGE, values(task.output(), 2), task.output());
    int k = task.window.kernel();
    String steps =
        String.format(
            Locale.ROOT,
            "[%1$d, %1$d], [%2$d, %2$d], [%3$d, %3$d]",
            k,
            task.window.stride(),
            task.window.padding());
    String max = steps + ", [1, 1], False";
    String avg = steps + ", False, False, None";
    NDArray places =
        task.kind.equals("max")
            ? torch
                .script(
                    "x",
                    String.format(
                        Locale.ROOT,
                        "y, places = torch.max_pool2d_with_indices(x, %s)\nreturn [places]",
                        max))
                .call(x)
                .getFirst()
            : x;
    String result =
        switch (task.kind) {
          case "max" ->
              task.forward
                  ? String.format(Locale.ROOT, "torch.max_pool2d_with_indices(x, %s)[0]", max)
                  : String.format(
                      Locale.ROOT,
                      "torch.max_pool2d_with_indices_backward(dy, x, %s, places)",
                      max);
          case "avg" ->
              task.forward
                  ? String.format(Locale.ROOT, "torch.avg_pool2d(x, %s)", avg)
                  : String.format(Locale.ROOT, "torch.avg_pool2d_backward(dy, x, %s)", avg);
          default ->
              task.forward
                  ? "torch.adaptive_avg_pool2d(x, [1, 1])"
                  : "torch._adaptive_avg_pool2d_backward(dy, x)";
        };
    Script script = torch.script("x dy places", String.format(Locale.ROOT, "return [%s]", result));
    return new TorchWork(torch, () -> script.call(x, dy, places));
  }
}
