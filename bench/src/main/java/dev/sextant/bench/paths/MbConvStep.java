package dev.sextant.bench.paths;

import ai.djl.ndarray.NDArray;
import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.nn.Sequential;
import dev.sextant.bench.libtorch.Libtorch;
import dev.sextant.bench.libtorch.TensorRole;
import dev.sextant.bench.libtorch.TorchChain;
import dev.sextant.nas.supernet.LayerModule;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Forward and backward of MBConv blocks with batch norm, ReLU6 and shortcut, for the gradients of
 * the input and all parameters: {@code NxHxWxC eE kK lBLOCKS}. Running statistics are updated.
 */
public class MbConvStep extends TrainingPath {
  private static final float EPSILON = 1e-3f;

  /** For JMH. */
  public MbConvStep() {}

  private record Blocks(Shape image, MbConv layer, int count) {
    static Blocks of(Spec spec) {
      Shape image = spec.shape();
      int expand = spec.number("e");
      int kernel = spec.number("k");
      return new Blocks(
          image,
          new MbConv(kernel, 1, expand, image.channels(), Activation.RELU6, 0, true),
          spec.number("l"));
    }

    Sequential module(Backend backend) {
      Initializer init = new Initializer(backend, new Rng(5));
      Sequential module =
          new Sequential(
              IntStream.range(0, count)
                  .mapToObj(i -> new LayerModule(layer, image, EPSILON, init))
                  .toList());
      // In the midst of training: a block that starts as the identity has gradients of zeros.
      module
          .parameters()
          .forEach(
              (path, parameter) -> {
                if (path.endsWith("project_norm.gamma")) {
                  backend.elementwise().fill(parameter.value(), 1);
                }
              });
      return module;
    }
  }

  @Override
  Work sextant(Spec spec, Backend backend) {
    Blocks blocks = Blocks.of(spec);
    Sequential module = blocks.module(backend);
    List<Parameter> parameters = List.copyOf(module.parameters().values());
    Tensor x = tensor(backend, blocks.image, 1);
    Tensor dy = tensor(backend, blocks.image, 2);
    Tape tape = new Tape(backend);
    return new SextantWork(
        backend,
        () -> {
          try (Tape _ = tape.open(Tape.Mode.TRAIN)) {
            Variable y = module.forward(tape, tape.leaf(x));
            Tensor gradient = tape.output(dy.shape(), "bench.gradient");
            backend.elementwise().copy(dy, gradient);
            tape.backward(y, gradient);
          }
          for (int i = 0; i < parameters.size(); i++) {
            parameters.get(i).clearGradient();
          }
        });
  }

  @Override
  Work libtorch(Spec spec, Libtorch torch) {
    Blocks blocks = Blocks.of(spec);
    Map<String, Tensor> state = new LinkedHashMap<>();
    try (Backend backend = Backend.cpu(1);
        Sequential module = blocks.module(backend)) {
      module.state().forEach((path, tensor) -> state.put("layers." + path, tensor));
      TorchChain chain =
          new TorchChain(
              torch,
              Collections.nCopies(blocks.count, blocks.layer),
              blocks.image,
              EPSILON,
              true,
              state);
      NDArray x = torch.load(TensorRole.IMAGE, values(blocks.image, 1), blocks.image);
      x.setRequiresGradient(true);
      NDArray dy = torch.load(TensorRole.IMAGE, values(blocks.image, 2), blocks.image);
      return new TorchWork(torch, () -> chain.gradients(x, dy));
    }
  }
}
