package dev.sextant.nas.workers;

import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.nn.Module;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Means over workers of what their passes have left. All parts of one exchange go through {@link
 * Workers#sum} at once.
 *
 * <pre>{@code
 * sharing.mean(part -> {
 *   part.gradients(network);
 *   outcome.loss = part.number(outcome.loss);
 * });
 * }</pre>
 *
 * <p>The parts are gone over twice: to take their values, and to give them their means. Batch norms
 * go by the statistics of each worker's share of a batch, and their running statistics are
 * averaged.
 *
 * <p>Confined to the thread of its backend.
 */
public final class Sharing {
  /** A batch norm's running statistics end in these names, beside its scale, which is trained. */
  private static final List<String> RUNNING = List.of("mean", "variance");

  private static final String SCALE = "gamma";

  private final Workers workers;
  private final Backend backend;
  private final Map<Module, Part> known = new IdentityHashMap<>();
  private float[] values = new float[1 << 12];
  private int length;
  private boolean taking;

  /** What is exchanged, in the same order by every worker. */
  public interface Parts {
    /**
     * Names all of them, to the last whether they are taken or given back.
     *
     * @param sharing whose methods are called
     */
    void visit(Sharing sharing);
  }

  /** What a module may have to share. */
  private record Part(List<Parameter> parameters, List<Running> running) {
    static Part of(Module module) {
      Map<String, Parameter> parameters = module.parameters();
      List<Running> running = new ArrayList<>();
      module
          .state()
          .forEach(
              (path, tensor) -> {
                int name = path.lastIndexOf('.') + 1;
                if (!parameters.containsKey(path) && RUNNING.contains(path.substring(name))) {
                  running.add(new Running(tensor, parameters.get(path.substring(0, name) + SCALE)));
                }
              });
      return new Part(List.copyOf(parameters.values()), List.copyOf(running));
    }
  }

  /**
   * Running statistics, and the scale that has a gradient if they have changed, if one is trained.
   */
  private record Running(Tensor tensor, @Nullable Parameter scale) {
    boolean changed() {
      return scale == null || scale.gradient() != null;
    }
  }

  /**
   * Means of tensors of a backend.
   *
   * @param workers whose means they are
   * @param backend of the tensors
   */
  public Sharing(Workers workers, Backend backend) {
    this.workers = workers;
    this.backend = backend;
  }

  /** {@return the workers} */
  public Workers workers() {
    return workers;
  }

  /**
   * Replaces all parts by their means over the workers.
   *
   * @param parts named in the same order both times
   */
  public void mean(Parts parts) {
    sum(parts, 1f / workers.count());
  }

  /**
   * {@return what the worker of rank 0 has found}
   *
   * @param own what this one has found; of no account elsewhere
   */
  public double ofFirst(double own) {
    double[] value = {workers.rank() == 0 ? own : 0};
    sum(part -> value[0] = part.number(value[0]), 1);
    return value[0];
  }

  private void sum(Parts parts, float scale) {
    taking = true;
    length = 0;
    parts.visit(this);
    int all = length;
    workers.sum(values, all);
    for (int i = 0; i < all; i++) {
      values[i] *= scale;
    }
    taking = false;
    length = 0;
    parts.visit(this);
    if (length != all) {
      throw new IllegalStateException("other parts were given back than taken");
    }
  }

  /**
   * The gradients of a module's parameters that have one.
   *
   * @param module of the same kind on all workers
   */
  public void gradients(Module module) {
    for (Parameter parameter : part(module).parameters) {
      gradient(parameter);
    }
  }

  /**
   * The running statistics of a module's batch norms, as far as its last pass has changed them; to
   * be named while gradients are still there.
   *
   * @param module of the same kind on all workers
   */
  public void statistics(Module module) {
    for (Running running : part(module).running) {
      if (running.changed()) {
        tensor(running.tensor);
      }
    }
  }

  private Part part(Module module) {
    return known.computeIfAbsent(module, Part::of);
  }

  /**
   * The gradient of a parameter, if it has one.
   *
   * @param parameter which has one on all workers, or on none
   */
  public void gradient(Parameter parameter) {
    Tensor gradient = parameter.gradient();
    if (gradient != null) {
      tensor(gradient);
    }
  }

  private void tensor(Tensor tensor) {
    int at = reserve(tensor.size());
    if (taking) {
      backend.download(tensor, values, at);
    } else {
      backend.upload(values, at, tensor);
    }
  }

  /**
   * Numbers.
   *
   * @param numbers replaced
   */
  public void numbers(double[] numbers) {
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = number(numbers[i]);
    }
  }

  /**
   * {@return a number's mean, once it is given back}
   *
   * @param number of this worker
   */
  public double number(double number) {
    int at = reserve(1);
    if (taking) {
      values[at] = (float) number;
      return number;
    }
    return values[at];
  }

  private int reserve(int size) {
    int at = length;
    length = Math.addExact(length, size);
    if (length > values.length) {
      values = Arrays.copyOf(values, Math.max(length, 2 * values.length));
    }
    return at;
  }
}
