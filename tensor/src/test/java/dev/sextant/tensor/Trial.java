package dev.sextant.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.sextant.tensor.internal.reference.ReferenceBackend;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.DoubleUnaryOperator;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * One call made twice with equal operands, on the backend under test and on the reference. Float
 * operands lie between guards, by default at odd offsets, so that a kernel that writes past its
 * share is seen; outputs start as NaN, so that an element left unwritten is seen.
 */
final class Trial implements AutoCloseable {
  private static final float GUARD_VALUE = 12345;

  private final ContractSubject subject;
  private final int guard;
  private final Backend tested;
  private final ReferenceBackend reference = new ReferenceBackend();
  private final String what;
  private final Rng rng;
  private final List<Operand> operands = new ArrayList<>();
  private double tolerance = 2e-5;

  /**
   * A trial whose random values follow from its description.
   *
   * @param what names the case in a failure
   */
  Trial(ContractSubject subject, String what) {
    this.subject = subject;
    this.guard = subject.guard();
    this.tested = subject.backend();
    this.what = what;
    this.rng = new Rng(what.hashCode());
  }

  /** The error allowed, relative to the largest magnitude of a tensor or 1. */
  Trial tolerance(double allowed) {
    tolerance = allowed;
    return this;
  }

  Rng rng() {
    return rng;
  }

  /** An input of values in [-1, 1). */
  Operand random(int... extents) {
    return input(Shape.of(extents), value -> 2 * value - 1);
  }

  Operand random(Shape shape) {
    return input(shape, value -> 2 * value - 1);
  }

  /** An input of values in [low, high). */
  Operand uniform(double low, double high, Shape shape) {
    return input(shape, value -> low + (high - low) * value);
  }

  /** An input that a function makes of uniform values in [0, 1). */
  Operand input(Shape shape, DoubleUnaryOperator ofUniform) {
    float[] values = new float[shape.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) ofUniform.applyAsDouble(rng.nextDouble());
    }
    return operand(shape, values, true);
  }

  Operand values(Shape shape, float... values) {
    return operand(shape, values, true);
  }

  /** An output whose old content must not matter. */
  Operand output(Shape shape) {
    float[] values = new float[shape.size()];
    Arrays.fill(values, Float.NaN);
    return operand(shape, values, false);
  }

  /** An operand that the call updates. */
  Operand updated(Shape shape) {
    return updated(-1, 1, shape);
  }

  Operand updated(double low, double high, Shape shape) {
    Operand operand = uniform(low, high, shape);
    operand.input = false;
    return operand;
  }

  /** Integers in [0, bound). */
  Operand labels(int count, int bound) {
    int[] values = new int[count];
    for (int i = 0; i < count; i++) {
      values[i] = rng.nextInt(bound);
    }
    Tensor onTested = tested.memory().ints(Shape.of(count), Memory.Category.DATA, "labels");
    subject.upload(onTested, values);
    Tensor onReference = reference.memory().ints(Shape.of(count), Memory.Category.DATA, "labels");
    onReference.set(values);
    return new Operand(onTested, onTested, onReference, new float[0], true);
  }

  private Operand operand(Shape shape, float[] values, boolean input) {
    float[] guarded = new float[values.length + 2 * guard];
    Arrays.fill(guarded, GUARD_VALUE);
    System.arraycopy(values, 0, guarded, guard, values.length);
    Shape whole = Shape.of(guarded.length);
    Tensor base = tested.memory().floats(whole, Memory.Category.DATA, "operand");
    subject.upload(base, guarded);
    Tensor onTested;
    try (Tensor slice = base.slice(guard, guard + values.length)) {
      onTested = slice.reshape(shape);
    }
    Tensor onReference = reference.memory().floats(shape, Memory.Category.DATA, "operand");
    onReference.set(values);
    Operand operand = new Operand(base, onTested, onReference, values, input);
    operands.add(operand);
    return operand;
  }

  /** Makes the call on both, then compares every operand. */
  void run(Consumer<Backend> call) {
    call(
        backend -> {
          call.accept(backend);
          return 0;
        });
  }

  /**
   * Makes a call that leaves on the reference what stands there already, so on the backend under
   * test alone, then compares every operand.
   */
  void again(Consumer<Backend> call) {
    call.accept(tested);
    compare();
  }

  /** Makes the call on both, then compares its results and every operand. */
  void call(ToDoubleFunction<Backend> call) {
    call(1, call);
  }

  /**
   * The same for a result whose terms may cancel.
   *
   * @param scale what it is about where they do not, to which differences are compared if it is
   *     greater
   */
  void call(double scale, ToDoubleFunction<Backend> call) {
    double actual = call.applyAsDouble(tested);
    double expected = call.applyAsDouble(reference);
    assertEquals(expected, actual, tolerance * Math.max(scale, Math.abs(expected)), what);
    compare();
  }

  private void compare() {
    for (int i = 0; i < operands.size(); i++) {
      compare(operands.get(i), "operand " + i + " of " + what);
    }
  }

  private void compare(Operand operand, String name) {
    float[] guarded = subject.download(operand.base);
    for (int i = 0; i < guard; i++) {
      assertEquals(GUARD_VALUE, guarded[i], "before " + name);
      assertEquals(GUARD_VALUE, guarded[guarded.length - 1 - i], "after " + name);
    }
    float[] actual = Arrays.copyOfRange(guarded, guard, guarded.length - guard);
    if (operand.input) {
      assertTrue(Arrays.equals(operand.original, actual), () -> "changed: " + name);
      return;
    }
    float[] expected = operand.onReference.toArray();
    double largest = 1;
    for (float value : expected) {
      if (Float.isFinite(value)) {
        largest = Math.max(largest, Math.abs(value));
      }
    }
    for (int i = 0; i < expected.length; i++) {
      boolean same = Float.compare(expected[i], actual[i]) == 0;
      if (!same && !(Math.abs((double) expected[i] - actual[i]) <= tolerance * largest)) {
        fail("%s: element %d is %s, not %s".formatted(name, i, actual[i], expected[i]));
      }
    }
  }

  /** Closes the operands; nothing may be left in either memory. */
  @Override
  public void close() {
    for (Operand operand : operands) {
      operand.close();
    }
    reference.close();
  }

  /** One tensor on either side. */
  final class Operand implements AutoCloseable {
    private final Tensor base;
    private final Tensor onTested;
    private final Tensor onReference;
    private final float[] original;
    private boolean input;

    private Operand(
        Tensor base, Tensor onTested, Tensor onReference, float[] original, boolean input) {
      this.base = base;
      this.onTested = onTested;
      this.onReference = onReference;
      this.original = original;
      this.input = input;
    }

    /** The tensor of that side. */
    Tensor on(Backend backend) {
      return backend == reference ? onReference : onTested;
    }

    Shape shape() {
      return onTested.shape();
    }

    @Override
    public void close() {
      base.close();
      onTested.close();
      onReference.close();
    }
  }

  /** The tensor of that side, or null for an operand left out. */
  static @Nullable Tensor on(@Nullable Operand operand, Backend backend) {
    return operand == null ? null : operand.on(backend);
  }
}
