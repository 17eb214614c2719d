package dev.sextant.autograd.nn;

import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;

/**
 * A layer: a function of one variable with parameters and buffers, all reachable by path ({@code
 * expand_norm.gamma}) in a fixed order. Confined to the thread of its backend.
 */
public abstract class Module implements AutoCloseable {
  /** A module without parameters; its constructor registers them. */
  protected Module() {}

  private final SequencedMap<String, Parameter> parameters = new LinkedHashMap<>();
  private final SequencedMap<String, Tensor> buffers = new LinkedHashMap<>();
  private final SequencedMap<String, Module> children = new LinkedHashMap<>();

  /**
   * {@return the layer's output, always a variable of its own: the caller goes on owning {@code x},
   * and may release either}
   *
   * @param tape open; records the op if an input requires a gradient
   * @param x the input; its shape is the layer's to say
   */
  public abstract Variable forward(Tape tape, Variable x);

  /**
   * Registers a parameter under a name of its own.
   *
   * @param name unique in this module
   * @param parameter the module's from now on
   * @return the same parameter
   */
  protected final Parameter parameter(String name, Parameter parameter) {
    checkFree(name);
    parameters.put(name, parameter);
    return parameter;
  }

  /**
   * Registers a tensor that is saved with the parameters but not trained.
   *
   * @param name unique in this module
   * @param buffer the module's from now on
   * @return the same tensor
   */
  protected final Tensor buffer(String name, Tensor buffer) {
    checkFree(name);
    buffers.put(name, buffer);
    return buffer;
  }

  /**
   * Registers a layer inside this one.
   *
   * @param <M> the layer's class
   * @param name what its paths start with, before a point; empty where they are this module's own
   * @param module the child
   * @return the same module
   */
  protected final <M extends Module> M child(String name, M module) {
    checkFree(name);
    children.put(name, module);
    return module;
  }

  private void checkFree(String name) {
    if (parameters.containsKey(name) || buffers.containsKey(name) || children.containsKey(name)) {
      throw new IllegalArgumentException("two parts of a module are named " + name);
    }
  }

  /** {@return every parameter by path, in a fixed order} */
  public final SequencedMap<String, Parameter> parameters() {
    SequencedMap<String, Parameter> all = new LinkedHashMap<>();
    collectParameters("", all);
    return all;
  }

  /** {@return every parameter's value and every buffer by path, in a fixed order: what is saved} */
  public final SequencedMap<String, Tensor> state() {
    SequencedMap<String, Tensor> all = new LinkedHashMap<>();
    collectState("", all);
    return all;
  }

  private void collectParameters(String prefix, Map<String, Parameter> into) {
    parameters.forEach((name, parameter) -> into.put(prefix + name, parameter));
    children.forEach((name, module) -> module.collectParameters(inside(prefix, name), into));
  }

  private void collectState(String prefix, Map<String, Tensor> into) {
    parameters.forEach((name, parameter) -> into.put(prefix + name, parameter.value()));
    buffers.forEach((name, buffer) -> into.put(prefix + name, buffer));
    children.forEach((name, module) -> module.collectState(inside(prefix, name), into));
  }

  private static String inside(String prefix, String name) {
    return name.isEmpty() ? prefix : prefix + name + ".";
  }

  /** {@return the number of trainable elements} */
  public final long parameterCount() {
    return parameters().values().stream().mapToLong(parameter -> parameter.shape().size()).sum();
  }

  /**
   * Copies values from another module's state or from a checkpoint.
   *
   * @param backend whose memory holds this module
   * @param source by the same paths, on the heap or in that backend's memory; what it has beyond
   *     this module's state is passed over
   * @throws SextantException if one is missing or has another shape; then nothing was copied
   */
  public final void load(Backend backend, Map<String, Tensor> source) {
    SequencedMap<String, Tensor> targets = state();
    targets.forEach((path, target) -> checkedSource(source, path, target));
    targets.forEach(
        (path, target) -> {
          Tensor value = checkedSource(source, path, target);
          if (value.memory() == target.memory()) {
            backend.elementwise().copy(value, target);
          } else {
            backend.upload(value.floats(), value.offset(), target);
          }
        });
  }

  private static Tensor checkedSource(Map<String, Tensor> source, String path, Tensor target) {
    Tensor value = source.get(path);
    if (value == null || !value.shape().equals(target.shape())) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "weights: %s of shape %s is %s",
              path,
              target.shape(),
              value == null ? "missing" : value.shape()));
    }
    return value;
  }

  /**
   * Freezes or thaws every parameter.
   *
   * @param frozen whether backward passes leave them out
   */
  public final void setFrozen(boolean frozen) {
    parameters().values().forEach(parameter -> parameter.setFrozen(frozen));
  }

  /** Frees parameters, their gradients and buffers. Idempotent. */
  @Override
  public final void close() {
    for (Parameter parameter : parameters().values()) {
      parameter.clearGradient();
    }
    state().values().forEach(Tensor::close);
    parameters.clear();
    buffers.clear();
    children.clear();
  }
}
