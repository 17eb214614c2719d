package dev.sextant.autograd.optim;

import dev.sextant.autograd.Parameter;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Tensor;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;

/**
 * Changes parameters by their gradients. Parameters without a gradient are passed over, state and
 * decay included: a candidate that no batch used stays as it was. Confined to the thread of its
 * backend.
 */
public abstract class Optimizer implements AutoCloseable {
  final Backend backend;
  private final List<String> slots;
  private final List<Entry> entries = new ArrayList<>();
  private final List<Tensor[]> changed = new ArrayList<>();
  private final float[] decays;
  private final int[] steps;

  /** A parameter, its moments from its first gradient on, and the steps it has taken. */
  private static final class Entry {
    final String path;
    final Parameter parameter;
    Tensor[] moments = {};

    /** Value, gradient and moments of the step being made. */
    Tensor[] operands = {};

    int steps;

    Entry(String path, Parameter parameter) {
      this.path = path;
      this.parameter = parameter;
    }

    /** Makes these its moments, and operands of every step. */
    void hold(Tensor[] held) {
      moments = held;
      operands = new Tensor[2 + held.length];
      System.arraycopy(held, 0, operands, 2, held.length);
    }
  }

  /**
   * An optimizer of these parameters.
   *
   * @param slots names of the moments it holds for each parameter
   */
  Optimizer(Backend backend, SequencedMap<String, Parameter> parameters, String... slots) {
    this.backend = backend;
    this.slots = List.of(slots);
    parameters.forEach((path, parameter) -> entries.add(new Entry(path, parameter)));
    decays = new float[entries.size()];
    steps = new int[entries.size()];
  }

  /**
   * Updates every parameter that has a gradient and gives the gradients' memory back.
   *
   * @param rate learning rate of this step
   */
  public final void step(double rate) {
    changed.clear();
    for (int i = 0; i < entries.size(); i++) {
      Entry entry = entries.get(i);
      Tensor gradient = entry.parameter.gradient();
      if (gradient != null) {
        if (entry.moments.length == 0) {
          entry.hold(moments(entry.parameter));
        }
        entry.steps++;
        entry.operands[0] = entry.parameter.value();
        entry.operands[1] = gradient;
        decays[changed.size()] = decay(entry.parameter);
        steps[changed.size()] = entry.steps;
        changed.add(entry.operands);
      }
    }
    update(changed, decays, steps, (float) rate);
    clearGradients();
  }

  /**
   * Updates parameters.
   *
   * @param tensors value, gradient and moments (in the order of the slots; zero before the first
   *     step) of each
   * @param decays of each
   * @param steps of each, from 1
   */
  abstract void update(List<Tensor[]> tensors, float[] decays, int[] steps, float rate);

  /** Weight decay of a parameter. */
  abstract float decay(Parameter parameter);

  private Tensor[] moments(Parameter parameter) {
    Tensor[] moments = new Tensor[slots.size()];
    for (int i = 0; i < moments.length; i++) {
      moments[i] =
          backend
              .memory()
              .keep(backend.memory().floats(parameter.shape(), Category.OPTIMIZER, "optimizer"));
      backend.elementwise().fill(moments[i], 0);
    }
    return moments;
  }

  /** Gives back the gradients' memory without a step. */
  public final void clearGradients() {
    for (Entry entry : entries) {
      entry.parameter.clearGradient();
    }
  }

  /**
   * Scales all gradients down together where their L2 norm, taken over all of them, is larger than
   * {@code limit}. A norm that is not finite is returned and nothing is scaled.
   *
   * @param limit above 0
   * @return the norm before scaling
   * @throws SextantException if the limit is not positive
   */
  public final double clipGradients(double limit) {
    if (!(limit > 0)) {
      throw new SextantException("optimizer: gradients cannot be clipped at " + limit);
    }
    double sum = 0;
    for (Entry entry : entries) {
      Tensor gradient = entry.parameter.gradient();
      if (gradient != null) {
        sum += backend.elementwise().dot(gradient, gradient);
      }
    }
    double norm = Math.sqrt(sum);
    if (norm > limit && norm < Double.POSITIVE_INFINITY) {
      for (Entry entry : entries) {
        Tensor gradient = entry.parameter.gradient();
        if (gradient != null) {
          backend.elementwise().scale(gradient, (float) (limit / norm), gradient);
        }
      }
    }
    return norm;
  }

  /**
   * {@return the moments by parameter path and slot, as in {@code expand.weight#velocity}, for
   * checkpoints: the optimizer's own tensors, in the order of the parameters; those that have had
   * no gradient have none}
   */
  public final SequencedMap<String, Tensor> state() {
    SequencedMap<String, Tensor> state = new LinkedHashMap<>();
    for (Entry entry : entries) {
      for (int i = 0; i < entry.moments.length; i++) {
        state.put(entry.path + "#" + slots.get(i), entry.moments[i]);
      }
    }
    return Collections.unmodifiableSequencedMap(state);
  }

  /** {@return the steps taken so far by each parameter that has had a gradient: for checkpoints} */
  public final SequencedMap<String, Integer> steps() {
    SequencedMap<String, Integer> steps = new LinkedHashMap<>();
    for (Entry entry : entries) {
      if (entry.steps > 0) {
        steps.put(entry.path, entry.steps);
      }
    }
    return Collections.unmodifiableSequencedMap(steps);
  }

  /**
   * Continues from a checkpoint: what {@link #state} and {@link #steps} said then.
   *
   * @param savedState tensors on the heap or in the backend's memory; copied
   * @param savedSteps as {@link #steps} returned it
   * @throws SextantException if something belongs to no parameter of this optimizer, is missing or
   *     has another shape; then nothing has changed
   */
  public final void restore(Map<String, Tensor> savedState, Map<String, Integer> savedSteps) {
    check(savedState, savedSteps);
    // Read before anything is freed: the source may be this optimizer's own state.
    Map<String, float[]> values = new LinkedHashMap<>();
    savedState.forEach((key, saved) -> values.put(key, array(saved)));
    close();
    for (Entry entry : entries) {
      Integer steps = savedSteps.get(entry.path);
      if (steps != null) {
        entry.steps = steps;
        entry.hold(moments(entry.parameter));
        for (int i = 0; i < entry.moments.length; i++) {
          float[] saved = values.get(entry.path + "#" + slots.get(i));
          if (saved != null) {
            backend.upload(saved, 0, entry.moments[i]);
          }
        }
      }
    }
  }

  private void check(Map<String, Tensor> savedState, Map<String, Integer> savedSteps) {
    int known = 0;
    for (Entry entry : entries) {
      Integer steps = savedSteps.get(entry.path);
      if (steps == null) {
        continue;
      }
      if (steps < 1) {
        throw new SextantException(
            String.format(Locale.ROOT, "optimizer: %s has taken %d steps", entry.path, steps));
      }
      known++;
      for (String slot : slots) {
        String key = entry.path + "#" + slot;
        Tensor saved = savedState.get(key);
        if (saved == null || !saved.shape().equals(entry.parameter.shape())) {
          throw new SextantException(
              String.format(
                  Locale.ROOT,
                  "optimizer: state %s of shape %s is %s",
                  key,
                  entry.parameter.shape(),
                  saved == null ? "missing" : saved.shape()));
        }
      }
    }
    if (savedSteps.size() != known || savedState.size() != known * slots.size()) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "optimizer: of %s and %s some belong to no parameter that has taken steps",
              savedState.keySet(),
              savedSteps.keySet()));
    }
  }

  private float[] array(Tensor saved) {
    float[] values = new float[saved.size()];
    if (saved.memory() == backend.memory()) {
      backend.download(saved, values, 0);
    } else {
      System.arraycopy(saved.floats(), saved.offset(), values, 0, values.length);
    }
    return values;
  }

  /** Frees the moments and forgets the steps. Idempotent. */
  @Override
  public final void close() {
    for (Entry entry : entries) {
      for (Tensor moment : entry.moments) {
        moment.close();
      }
      entry.moments = new Tensor[0];
      entry.steps = 0;
    }
  }

  /** Weight decay for a parameter: none for norms and biases where {@code kernelsOnly}. */
  static float decay(Parameter parameter, float decay, boolean kernelsOnly) {
    return kernelsOnly && parameter.role() != Parameter.Role.KERNEL ? 0 : decay;
  }
}
