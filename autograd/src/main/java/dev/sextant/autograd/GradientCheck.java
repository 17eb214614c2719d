package dev.sextant.autograd;

import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Compares a function's gradients with central differences.
 *
 * <p>The function's output is projected on a fixed random direction r, so that one backward pass
 * gives the gradient of ⟨r, f(x)⟩; up to {@link #PROBES} elements of each input are then moved by
 * ±h and the slope is compared. Passes run in {@link Tape.Mode#TRAIN_STATELESS}. Run it on the
 * reference backend, whose sums are in double, away from kinks, with h near 1e-2: a value is
 * rounded to float, so a smaller h drowns in that, and a larger one in the curvature.
 */
public final class GradientCheck {
  /** Elements tried in each tensor. */
  public static final int PROBES = 48;

  private static final long SEED = 20190226;

  /** A function of variables, as the ops are. */
  public interface Function {
    /**
     * {@return the output for some inputs, on a tape}
     *
     * @param tape open, in a training mode
     * @param inputs leaves of that tape
     */
    Variable apply(Tape tape, Variable... inputs);
  }

  private GradientCheck() {}

  /**
   * {@link #check(String, Backend, Function, float, float, List, Tensor...)} without parameters.
   *
   * @param name what an error calls the function
   * @param backend where the function runs
   * @param function does the same whenever it is called with the same inputs
   * @param step h of the central difference
   * @param tolerance largest error allowed, as the full form has it
   * @param x the inputs
   * @return the largest error found
   */
  public static double check(
      String name, Backend backend, Function function, float step, float tolerance, Tensor... x) {
    return check(name, backend, function, step, tolerance, List.of(), x);
  }

  /**
   * Checks the gradients with respect to inputs and parameters.
   *
   * @param name what an error calls the function
   * @param backend where the function runs
   * @param function does the same whenever it is called with the same inputs
   * @param step h of the central difference
   * @param tolerance largest error allowed beyond rounding, relative to the largest gradient of the
   *     same tensor
   * @param parameters that the function uses besides its inputs, not frozen; left without gradients
   * @param inputs where to check; left as they were
   * @return the largest relative error found
   * @throws SextantException that names the function, tensor and element where it is passed
   */
  public static double check(
      String name,
      Backend backend,
      Function function,
      float step,
      float tolerance,
      List<Parameter> parameters,
      Tensor... inputs) {
    List<float[]> analytic = gradients(backend, function, parameters, inputs);
    double noise = noise(backend, function, inputs, step);
    List<Tensor> tensors = new ArrayList<>(List.of(inputs));
    for (Parameter parameter : parameters) {
      tensors.add(parameter.value());
    }
    double worst = 0;
    for (int t = 0; t < tensors.size(); t++) {
      Tensor tensor = tensors.get(t);
      float[] expected = analytic.get(t);
      double scale = 1e-3;
      for (float gradient : expected) {
        scale = Math.max(scale, Math.abs(gradient));
      }
      Rng rng = Rng.of(SEED, t);
      for (int probe = 0; probe < Math.min(PROBES, tensor.size()); probe++) {
        int i = tensor.size() <= PROBES ? probe : rng.nextInt(tensor.size());
        double slope = slope(backend, function, inputs, tensor, i, step);
        double error = Math.max(0, Math.abs(slope - expected[i]) - noise) / scale;
        worst = Math.max(worst, error);
        if (!(error <= tolerance)) {
          throw new SextantException(
              String.format(
                  Locale.ROOT,
                  "gradient of %s: tensor %d %s element %d is %.6g, central difference %.6g",
                  name,
                  t,
                  tensor.shape(),
                  i,
                  expected[i],
                  slope));
        }
      }
    }
    return worst;
  }

  private static List<float[]> gradients(
      Backend backend, Function function, List<Parameter> parameters, Tensor[] inputs) {
    List<float[]> gradients = new ArrayList<>();
    parameters.forEach(Parameter::clearGradient);
    try (Tape tape = new Tape(backend, Tape.Mode.TRAIN_STATELESS)) {
      Variable[] leaves = leaves(tape, inputs);
      Variable y = function.apply(tape, leaves);
      Tensor direction = tape.output(y.shape(), "gradient_check");
      backend.upload(direction(y.shape().size()), 0, direction);
      tape.backward(y, direction);
      for (Variable leaf : leaves) {
        gradients.add(array(backend, leaf.gradient(), leaf.shape().size()));
      }
      for (Parameter parameter : parameters) {
        gradients.add(array(backend, parameter.gradient(), parameter.shape().size()));
        parameter.clearGradient();
      }
    }
    return gradients;
  }

  private static double slope(
      Backend backend, Function function, Tensor[] inputs, Tensor moved, int i, float step) {
    float[] values = new float[moved.size()];
    backend.download(moved, values, 0);
    float center = values[i];
    float high = center + step;
    float low = center - step;
    values[i] = high;
    backend.upload(values, 0, moved);
    double above = projection(backend, function, inputs);
    values[i] = low;
    backend.upload(values, 0, moved);
    double below = projection(backend, function, inputs);
    values[i] = center;
    backend.upload(values, 0, moved);
    return (above - below) / ((double) high - low);
  }

  /**
   * The slope that rounding alone can make: each element of the output is off by up to 2^-24 of
   * itself on both sides. Without it a gradient that is exactly 0 could not be checked.
   */
  private static double noise(Backend backend, Function function, Tensor[] inputs, float step) {
    try (Tape tape = new Tape(backend, Tape.Mode.TRAIN_STATELESS)) {
      Variable y = function.apply(tape, leaves(tape, inputs));
      float[] values = array(backend, y.value(), y.shape().size());
      float[] direction = direction(values.length);
      double squares = 0;
      for (int i = 0; i < values.length; i++) {
        double term = (double) values[i] * direction[i];
        squares += term * term;
      }
      return 0x1p-24 * Math.sqrt(squares) / step;
    }
  }

  private static double projection(Backend backend, Function function, Tensor[] inputs) {
    try (Tape tape = new Tape(backend, Tape.Mode.TRAIN_STATELESS)) {
      Variable y = function.apply(tape, leaves(tape, inputs));
      Tensor direction = backend.memory().floats(y.shape(), Category.WORKSPACE, "gradient_check");
      backend.upload(direction(y.shape().size()), 0, direction);
      return backend.elementwise().dot(y.value(), direction);
    }
  }

  private static Variable[] leaves(Tape tape, Tensor[] inputs) {
    Variable[] leaves = new Variable[inputs.length];
    for (int i = 0; i < inputs.length; i++) {
      leaves[i] = tape.leaf(inputs[i]);
    }
    return leaves;
  }

  private static float[] direction(int size) {
    Rng rng = new Rng(SEED);
    float[] direction = new float[size];
    for (int i = 0; i < size; i++) {
      direction[i] = (float) rng.uniform(-1, 1);
    }
    return direction;
  }

  private static float[] array(Backend backend, @Nullable Tensor gradient, int size) {
    float[] values = new float[size];
    if (gradient != null) {
      backend.download(gradient, values, 0);
    }
    return values;
  }
}
