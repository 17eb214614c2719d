package dev.sextant.bench.paths;

import ai.djl.ndarray.NDArray;
import dev.sextant.bench.libtorch.Libtorch;
import dev.sextant.bench.libtorch.Script;
import dev.sextant.bench.libtorch.TensorRole;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Convolutions on their own: {@code depthwise PASS NxHxWxC kK sS}, and {@code dense PASS NxHxWxC kK
 * sS oOUT}, pointwise where k is 1. The pass is {@code forward}, {@code data}, {@code filter}, or
 * {@code step} for all three.
 */
public class Convolution extends TrainingPath {
  /** For JMH. */
  public Convolution() {}

  private record Task(
      boolean depthwise, String pass, Window window, Shape image, Shape kernel, Shape output) {
    static Task of(Spec spec) {
      boolean depthwise = spec.word().equals("depthwise");
      String pass = spec.word();
      Shape image = spec.shape();
      int k = spec.number("k");
      Window window = Window.same(k, spec.number("s"));
      int in = image.channels();
      int out = depthwise ? in : spec.number("o");
      Shape kernel = depthwise ? Shape.of(k, k, in) : Shape.of(k, k, in, out);
      return new Task(depthwise, pass, window, image, kernel, window.output(image, out));
    }

    boolean does(String part) {
      return pass.equals(part) || pass.equals("step");
    }
  }

  @Override
  Work sextant(Spec spec, Backend backend) {
    Task task = Task.of(spec);
    Window window = task.window;
    Tensor x = tensor(backend, task.image, 1);
    Tensor w = tensor(backend, task.kernel, 2);
    Tensor dy = tensor(backend, task.output, 3);
    @Nullable Tensor y = task.does("forward") ? empty(backend, task.output) : null;
    @Nullable Tensor dx = task.does("data") ? empty(backend, task.image) : null;
    @Nullable Tensor dw = task.does("filter") ? empty(backend, task.kernel) : null;
    Runnable depthwise =
        () -> {
          if (y != null) {
            backend.depthwise().forward(x, w, window, null, Activation.IDENTITY, y);
          }
          if (dx != null) {
            backend.depthwise().backwardData(dy, w, window, dx);
          }
          if (dw != null) {
            backend.depthwise().backwardFilter(x, dy, window, dw);
          }
        };
    Runnable dense =
        () -> {
          if (y != null) {
            backend.convolution().forward(x, w, window, null, Activation.IDENTITY, null, y);
          }
          if (dx != null) {
            backend.convolution().backwardData(dy, w, window, dx);
          }
          if (dw != null) {
            backend.convolution().backwardFilter(x, dy, window, dw);
          }
        };
    return new SextantWork(backend, task.depthwise ? depthwise : dense);
  }

  @Override
  Work libtorch(Spec spec, Libtorch torch) {
    Task task = Task.of(spec);
    TensorRole kind = task.depthwise ? TensorRole.DEPTHWISE_KERNEL : TensorRole.KERNEL;
    NDArray x = torch.load(TensorRole.IMAGE, values(task.image, 1), task.image);
    NDArray w = torch.load(kind, values(task.kernel, 2), task.kernel);
    NDArray dy = torch.load(TensorRole.IMAGE, values(task.output, 3), task.output);
    Script script = torch.script("x w dy", body(task));
    return new TorchWork(torch, () -> script.call(x, w, dy));
  }

  private static String body(Task task) {
    Window window = task.window;
    int groups = task.depthwise ? task.image.channels() : 1;
    String steps =
        String.format(
            Locale.ROOT, "[%1$d, %1$d], [%2$d, %2$d], [1, 1]", window.stride(), window.padding());
    StringBuilder body = new StringBuilder("results = annotate(List[Tensor], [])\n");
    if (task.does("forward")) {
      body.append(
          String.format(
              Locale.ROOT,
              "_ = torch.append(results, torch.conv2d(x, w, None, %s, %d))\n",
              steps,
              groups));
    }
    if (task.does("data") || task.does("filter")) {
      String mask =
          String.format(
              Locale.ROOT,
              "[%s, %s, False]",
              python(task.does("data")),
              python(task.does("filter")));
      body.append(
          String.format(
              Locale.ROOT,
              "dx, dw, _1 = torch.convolution_backward(dy, x, w, None, %s, False, [0, 0], %d,"
                  + " %s)\n",
              steps,
              groups,
              mask));
      if (task.does("data")) {
        body.append("_2 = torch.append(results, dx)\n");
      }
      if (task.does("filter")) {
        body.append("_3 = torch.append(results, dw)\n");
      }
    }
    return body.append("return results").toString();
  }

  private static String python(boolean value) {
    return value ? "True" : "False";
  }
}
