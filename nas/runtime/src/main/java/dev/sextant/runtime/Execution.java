package dev.sextant.runtime;

import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Backends;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Team;
import dev.sextant.tensor.Tensor;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A program bound to a backend and buffers of its own. Not thread-safe. */
final class Execution implements AutoCloseable {
  private final Program program;
  private final SharedWeights weights;
  private final Backend backend;
  private final Tensor arena;
  private final Tensor[] values;
  private final Program.Step[] steps;

  /** Of the kernels from outside: inputs, then weights. */
  private final Map<Program.Custom, List<Tensor>> operands = new IdentityHashMap<>();

  private final Runnable all;
  private boolean closed;

  /** Where kernels run: on threads of their own, or those of a team. */
  record Place(Device device, int threads, @Nullable Team team) {
    Place(Device device, int threads) {
      this(device, threads, null);
    }

    Backend open() {
      return team == null ? Backends.open(device, threads) : Backends.open(device, team);
    }
  }

  /** Takes one block for all the buffers and opens a backend. */
  Execution(Program program, BufferPlan plan, SharedWeights weights, Place place) {
    this.program = program;
    this.weights = weights;
    this.steps = program.steps().toArray(Program.Step[]::new);
    weights.retain();
    backend = place.open();
    Memory memory = backend.memory();
    arena = memory.floats(Shape.of(plan.size()), Memory.Category.ACTIVATIONS, "activations");
    List<Program.Value> specified = program.values();
    values = new Tensor[specified.size()];
    for (int i = 0; i < values.length; i++) {
      Program.Value value = specified.get(i);
      int offset = plan.offsets()[value.buffer()];
      try (Tensor flat = arena.slice(offset, offset + value.shape().size())) {
        values[i] = flat.reshape(value.shape());
      }
    }
    for (Program.Step step : steps) {
      if (step instanceof Program.Custom custom) {
        operands.put(custom, operands(custom, place.device));
      }
    }
    // Before there is an input, which a run may overwrite.
    all = backend.repeatable(this::runSteps);
  }

  private List<Tensor> operands(Program.Custom custom, Device device) {
    if (!custom.kernel().supports(device)) {
      throw new SextantException(
          String.format(
              Locale.ROOT, "%s: has no kernel for device %s", custom.kernel().name(), device));
    }
    List<Tensor> tensors = new ArrayList<>();
    custom.operands().forEach(operand -> tensors.add(values[operand]));
    for (int i = 0; i < custom.weights(); i++) {
      tensors.add(weights.get(custom.weight() + i));
    }
    return tensors;
  }

  Backend backend() {
    return backend;
  }

  Tensor input() {
    return values[program.input()];
  }

  Tensor value(int index) {
    return values[index];
  }

  Tensor output() {
    return values[program.output()];
  }

  /** Bytes of all buffers together. */
  long bytes() {
    return arena.bytes();
  }

  /** Computes the output from the input; the input's buffer may be overwritten. */
  void run() {
    all.run();
  }

  private void runSteps() {
    for (Program.Step step : steps) {
      run(step);
    }
  }

  /** Computes the output and waits for it: what is measured. */
  void runToEnd() {
    run();
    backend.synchronize();
  }

  /** Computes the output; nanoseconds of each step, all of whose work is waited for. */
  void timeSteps(long[] nanos) {
    for (int i = 0; i < steps.length; i++) {
      long start = System.nanoTime();
      run(steps[i]);
      backend.synchronize();
      nanos[i] = System.nanoTime() - start;
    }
  }

  private void run(Program.Step step) {
    switch (step) {
      case Program.Convolution convolution ->
          backend
              .convolution()
              .forward(
                  values[convolution.in()],
                  weights.kernel(convolution.weight()),
                  convolution.activation(),
                  optional(convolution.residual()),
                  values[convolution.out()]);
      case Program.Depthwise depthwise ->
          backend
              .depthwise()
              .forward(
                  values[depthwise.in()],
                  weights.kernel(depthwise.weight()),
                  depthwise.activation(),
                  values[depthwise.out()]);
      case Program.Expanded expanded ->
          backend
              .bottleneck()
              .expanded(
                  values[expanded.in()],
                  weights.kernel(expanded.expand()),
                  expanded.first(),
                  weights.kernel(expanded.weight()),
                  expanded.second(),
                  expanded.project() == Program.NONE ? null : weights.kernel(expanded.project()),
                  optional(expanded.residual()),
                  values[expanded.out()]);
      case Program.Pool pool -> {
        if (pool.max()) {
          backend.pooling().max(values[pool.in()], pool.window(), values[pool.out()]);
        } else {
          backend.pooling().average(values[pool.in()], pool.window(), values[pool.out()]);
        }
      }
      case Program.GlobalPool pool ->
          backend.pooling().globalAverage(values[pool.in()], values[pool.out()]);
      case Program.Gate gate ->
          backend.channels().scale(values[gate.in()], values[gate.gate()], values[gate.out()]);
      case Program.Activate activate ->
          backend
              .elementwise()
              .activate(values[activate.in()], activate.activation(), values[activate.out()]);
      case Program.Add add ->
          backend.elementwise().add(values[add.in()], values[add.other()], values[add.out()]);
      case Program.CopyChannels copy -> {
        Tensor part = values[copy.in()];
        Tensor whole = values[copy.out()];
        int channels =
            Math.min(part.shape().channels() - copy.from(), whole.shape().channels() - copy.at());
        backend.channels().copy(part, copy.from(), whole, copy.at(), channels);
      }
      case Program.Custom custom ->
          custom
              .kernel()
              .forward(backend, Objects.requireNonNull(operands.get(custom)), values[custom.out()]);
    }
  }

  private @Nullable Tensor optional(int value) {
    return value == Program.NONE ? null : values[value];
  }

  /** Gives buffers, backend and its share of the weights back. Idempotent. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    for (Tensor value : values) {
      value.close();
    }
    arena.close();
    backend.close();
    weights.release();
  }
}
