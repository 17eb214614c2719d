package dev.sextant.bench.libtorch;

import ai.djl.ndarray.NDArray;
import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.optim.Adam;
import dev.sextant.autograd.optim.Optimizer;
import dev.sextant.autograd.optim.RmsProp;
import dev.sextant.autograd.optim.Sgd;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Some steps of every optimizer against libtorch in double: its own fused kernels of SGD and Adam,
 * and RMSProp's formula in its tensor operations, as TensorFlow has it (PyTorch's adds epsilon
 * outside the root).
 */
@ExtendWith(Parity.Extension.class)
class OptimizerParityTest {
  private static final int STEPS = 4;
  private static final float DECAY = 0.01f;
  private static final double[] RATES = {0.1, 0.05, 0.2, 0.01};

  /** Extents of parameters; those of rank 1 are norms, the others kernels. */
  private static final int[][] SHAPES = {{1}, {33}, {3, 17}, {3, 3, 17, 33}};

  private interface Maker {
    Optimizer make(Backend backend, SequencedMap<String, Parameter> parameters);
  }

  /**
   * An optimizer.
   *
   * @param theirs TorchScript of a step on the parameter {@code w}, its gradient {@code g}, its
   *     moments {@code m} and {@code s}, and the step's number {@code n}, from 0; returns w, m and
   *     s. Its formats are the rate and the decay.
   * @param slots names of the moments
   * @param decaysNorms whether norms decay too
   */
  private record Line(
      String name, Maker ours, String theirs, List<String> slots, boolean decaysNorms) {}

  private static final List<Line> TABLE =
      List.of(
          new Line(
              "SGD",
              (backend, parameters) ->
                  new Sgd(backend, parameters, new Sgd.Config(0, false, DECAY, false)),
              """
              d = torch.add(g, torch.mul(w, %2$s))
              return [torch.sub(w, torch.mul(d, %1$s)), d, s]
              """,
              List.of("velocity"),
              true),
          sgd(false, true),
          sgd(true, true),
          sgd(true, false),
          adam(0, 0.999f, true),
          adam(0.9f, 0.99f, false),
          rmsProp(0.9f, 0.9f, 1e-3f, true),
          rmsProp(0.99f, 0, 1f, false));

  private static Line sgd(boolean nesterov, boolean decaysNorms) {
    return new Line(
        nesterov ? "SGD with Nesterov momentum" : "SGD with momentum",
        (backend, parameters) ->
            new Sgd(backend, parameters, new Sgd.Config(0.9f, nesterov, DECAY, !decaysNorms)),
        """
        weights = [w]
        moments = [m]
        _ = torch._fused_sgd_(weights, [g], moments, weight_decay=%%2$s, momentum=%s, lr=%%1$s, \
        dampening=0., nesterov=%s, maximize=False, is_first_step=False)
        return [weights[0], moments[0], s]
        """
            .formatted((double) 0.9f, nesterov ? "True" : "False"),
        List.of("velocity"),
        decaysNorms);
  }

  private static Line adam(float beta1, float beta2, boolean decaysNorms) {
    return new Line(
        "Adam, beta1 " + beta1,
        (backend, parameters) ->
            new Adam(
                backend, parameters, new Adam.Config(beta1, beta2, 1e-8f, DECAY, !decaysNorms)),
        """
        weights = [w]
        means = [m]
        squares = [s]
        steps = [n]
        _ = torch._foreach_add_(steps, 1)
        _1 = torch._fused_adam_(weights, [g], means, squares, [], steps, lr=%%1$s, beta1=%s, \
        beta2=%s, weight_decay=%%2$s, eps=%s, amsgrad=False, maximize=False)
        return [weights[0], means[0], squares[0]]
        """
            .formatted((double) beta1, (double) beta2, (double) 1e-8f),
        List.of("mean", "square"),
        decaysNorms);
  }

  private static Line rmsProp(float rho, float momentum, float epsilon, boolean decaysNorms) {
    return new Line(
        "RMSProp, momentum " + momentum,
        (backend, parameters) ->
            new RmsProp(
                backend,
                parameters,
                new RmsProp.Config(rho, momentum, epsilon, DECAY, !decaysNorms)),
        """
        d = torch.add(g, torch.mul(w, %%2$s))
        square = torch.add(torch.mul(m, %s), torch.mul(torch.mul(d, d), %s))
        change = torch.div(torch.mul(d, %%1$s), torch.sqrt(torch.add(square, %s)))
        velocity = torch.add(torch.mul(s, %s), change)
        return [torch.sub(w, velocity), square, velocity]
        """
            .formatted((double) rho, 1 - (double) rho, (double) epsilon, (double) momentum),
        List.of("square", "velocity"),
        decaysNorms);
  }

  @TestFactory
  Stream<DynamicTest> equalsLibtorch(Parity parity) {
    return TABLE.stream()
        .map(
            line ->
                DynamicTest.dynamicTest(
                    "%s, norms %s".formatted(line.name, line.decaysNorms ? "decay" : "stay"),
                    () ->
                        parity.checkAll(
                            line.name,
                            0,
                            theirs(parity.torch(), line),
                            backend -> ours(backend, line))));
  }

  private static float[] values(Shape shape, int step) {
    return Parity.uniform(step, shape.size(), -1, 1);
  }

  private static Parameter.Role role(Shape shape) {
    return shape.rank() == 1 ? Parameter.Role.NORM : Parameter.Role.KERNEL;
  }

  private static SequencedMap<String, float[]> theirs(Libtorch torch, Line line) {
    SequencedMap<String, float[]> results = new LinkedHashMap<>();
    for (int[] extents : SHAPES) {
      Shape shape = Shape.of(extents);
      boolean decays = line.decaysNorms || role(shape) == Parameter.Role.KERNEL;
      try (Libtorch.Scope _ = torch.scope()) {
        NDArray zeros = torch.load(TensorRole.PLAIN, new float[shape.size()], shape);
        List<NDArray> state =
            List.of(
                torch.load(TensorRole.PLAIN, values(shape, 0), shape), zeros, zeros.duplicate());
        for (int step = 0; step < STEPS; step++) {
          String body = line.theirs.formatted(RATES[step], decays ? (double) DECAY : 0.0);
          List<NDArray> arguments = new ArrayList<>(state);
          arguments.add(torch.load(TensorRole.PLAIN, values(shape, step + 1), shape));
          arguments.add(torch.load(TensorRole.PLAIN, new float[] {step}, Shape.of()));
          state = torch.script("w m s g n", body).call(arguments);
        }
        results.put("parameter " + shape, torch.read(TensorRole.PLAIN, state.getFirst()));
        for (int slot = 0; slot < line.slots.size(); slot++) {
          results.put(
              line.slots.get(slot) + " " + shape,
              torch.read(TensorRole.PLAIN, state.get(slot + 1)));
        }
      }
    }
    return results;
  }

  private static SequencedMap<String, float[]> ours(Backend backend, Line line) {
    SequencedMap<String, float[]> results = new LinkedHashMap<>();
    SequencedMap<String, Parameter> parameters = new LinkedHashMap<>();
    for (int[] extents : SHAPES) {
      Shape shape = Shape.of(extents);
      Tensor value = Parity.tensor(backend, shape, values(shape, 0));
      parameters.put(shape.toString(), new Parameter(value, role(shape)));
    }
    try (Optimizer optimizer = line.ours.make(backend, parameters)) {
      for (int step = 0; step < STEPS; step++) {
        for (Parameter parameter : parameters.values()) {
          Shape shape = parameter.shape();
          parameter.acceptGradient(Parity.tensor(backend, shape, values(shape, step + 1)));
        }
        optimizer.step(RATES[step]);
      }
      parameters.forEach(
          (path, parameter) ->
              results.put("parameter " + path, Parity.array(backend, parameter.value())));
      optimizer
          .state()
          .forEach(
              (path, moment) -> {
                String[] parts = path.split("#", 2);
                results.put(parts[1] + " " + parts[0], Parity.array(backend, moment));
              });
    }
    parameters.values().forEach(parameter -> parameter.value().close());
    return results;
  }
}
