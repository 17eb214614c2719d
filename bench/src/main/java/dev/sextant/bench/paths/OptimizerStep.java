package dev.sextant.bench.paths;

import ai.djl.ndarray.NDArray;
import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.bench.libtorch.Libtorch;
import dev.sextant.bench.libtorch.Script;
import dev.sextant.bench.libtorch.TensorRole;
import dev.sextant.nas.supernet.Network;
import dev.sextant.runtime.Architectures;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * One step of an optimizer on all parameters of a built-in architecture: {@code sgd NAME}, {@code
 * adam NAME}, {@code rmsprop NAME}. libtorch runs its fused multi-tensor kernels, and for RMSProp,
 * which has none, its multi-tensor operators as {@code torch.optim.RMSprop(foreach=True)} does.
 */
public class OptimizerStep extends TrainingPath {
  /** For JMH. */
  public OptimizerStep() {}

  private static List<Shape> shapes(String name) {
    try (Backend backend = Backend.cpu(1);
        Network network =
            new Network(
                Architectures.named(name), new Initializer(backend, new Rng(1)), 0, new Rng(1))) {
      return network.parameters().values().stream().map(Parameter::shape).toList();
    }
  }

  @Override
  Work sextant(Spec spec, Backend backend) {
    String optimizer = spec.word();
    List<Tensor[]> all = new ArrayList<>();
    for (Shape shape : shapes(spec.word())) {
      Tensor[] one = new Tensor[4];
      for (int i = 0; i < one.length; i++) {
        one[i] = tensor(backend, shape, i);
      }
      backend.elementwise().multiply(one[3], one[3], one[3]);
      backend.elementwise().fill(one[2], 0);
      all.add(one);
    }
    Runnable step =
        switch (optimizer) {
          case "sgd" ->
              () ->
                  all.forEach(
                      t -> backend.optimizer().sgd(t[0], t[1], t[2], 1e-6f, 0.9f, 4e-5f, true));
          case "adam" ->
              () ->
                  all.forEach(
                      t ->
                          backend
                              .optimizer()
                              .adam(t[0], t[1], t[2], t[3], 1e-6f, 0.9f, 0.999f, 1e-8f, 0, 10));
          case "rmsprop" ->
              () ->
                  all.forEach(
                      t ->
                          backend
                              .optimizer()
                              .rmsProp(t[0], t[1], t[3], t[2], 1e-6f, 0.9f, 0.9f, 1e-3f, 1e-5f));
          default -> throw new IllegalArgumentException("optimizer: " + optimizer);
        };
    return new SextantWork(backend, step);
  }

  @Override
  Work libtorch(Spec spec, Libtorch torch) {
    String optimizer = spec.word();
    List<Shape> shapes = shapes(spec.word());
    int count = shapes.size();
    List<NDArray> arguments = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      for (Shape shape : shapes) {
        float[] values = i == 2 ? new float[shape.size()] : values(shape, i);
        for (int j = 0; i == 3 && j < values.length; j++) {
          values[j] *= values[j];
        }
        arguments.add(torch.load(TensorRole.PLAIN, values, shape));
      }
    }
    for (int i = 0; i < count; i++) {
      arguments.add(torch.load(TensorRole.PLAIN, new float[] {10}, Shape.of()));
    }
    String names =
        IntStream.range(0, 5)
            .mapToObj(i -> names("wgmsn".charAt(i), count).replace(",", ""))
            .collect(Collectors.joining(" "));
    Script script = torch.script(names, body(optimizer, count));
    return new TorchWork(torch, () -> script.call(arguments));
  }

  private static String names(char prefix, int count) {
    return IntStream.range(0, count)
        .mapToObj(i -> prefix + "" + i)
        .collect(Collectors.joining(", "));
  }

  /** What is written is returned: libtorch drops kernels whose lists nothing reads again. */
  private static String body(String optimizer, int count) {
    String lists =
        String.format(
            Locale.ROOT,
            "w = [%s]\ng = [%s]\nm = [%s]\ns = [%s]\nn = [%s]\n",
            names('w', count),
            names('g', count),
            names('m', count),
            names('s', count),
            names('n', count));
    String step =
        switch (optimizer) {
          case "sgd" ->
              """
              _ = torch._fused_sgd_(w, g, m, weight_decay=4.0000000000000003e-05, momentum=0.9, \
              lr=9.9999999999999995e-07, dampening=0., nesterov=True, maximize=False, \
              is_first_step=False)
              """;
          case "adam" ->
              """
              _ = torch._fused_adam_(w, g, m, s, [], n, lr=9.9999999999999995e-07, beta1=0.9, \
              beta2=0.999, weight_decay=0., eps=1e-08, amsgrad=False, maximize=False)
              """;
          case "rmsprop" ->
              """
              d = torch._foreach_add(g, w, alpha=1.0000000000000001e-05)
              _ = torch._foreach_mul_(s, 0.9)
              _1 = torch._foreach_addcmul_(s, d, d, 0.1)
              r = torch._foreach_add(s, 0.001)
              _2 = torch._foreach_sqrt_(r)
              _3 = torch._foreach_mul_(m, 0.9)
              _4 = torch._foreach_addcdiv_(m, d, r, 9.9999999999999995e-07)
              _5 = torch._foreach_add_(w, m, alpha=-1)
              """;
          default -> throw new IllegalArgumentException("optimizer: " + optimizer);
        };
    return lists + step + "return [w[0], m[0], s[0]]\n";
  }
}
