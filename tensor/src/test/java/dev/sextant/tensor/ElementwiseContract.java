package dev.sextant.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sextant.tensor.Trial.Operand;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Elementwise kernels and the reductions over all elements. */
interface ElementwiseContract extends ContractSubject {
  String SIZES = "dev.sextant.tensor.ContractSubject#sizes";

  @ParameterizedTest
  @MethodSource(SIZES)
  default void fillCopyScaleAxpy(int size) {
    Shape shape = Shape.of(size);
    try (Trial trial = trial("fill %d", size)) {
      Operand x = trial.output(shape);
      trial.run(b -> b.elementwise().fill(x.on(b), -2.5f));
    }
    try (Trial trial = trial("copy %d", size)) {
      Operand from = trial.random(shape);
      Operand to = trial.output(shape);
      trial.tolerance(0).run(b -> b.elementwise().copy(from.on(b), to.on(b)));
    }
    try (Trial trial = trial("axpy %d", size)) {
      Operand x = trial.random(shape);
      Operand y = trial.updated(shape);
      trial.run(b -> b.elementwise().axpy(-0.3f, x.on(b), y.on(b)));
    }
    try (Trial trial = trial("scale %d", size)) {
      Operand x = trial.random(shape);
      Operand out = trial.output(shape);
      trial.run(b -> b.elementwise().scale(x.on(b), 1.7f, out.on(b)));
    }
    try (Trial trial = trial("scale in place %d", size)) {
      Operand x = trial.updated(shape);
      trial.run(b -> b.elementwise().scale(x.on(b), 1.7f, x.on(b)));
    }
  }

  @ParameterizedTest
  @MethodSource(SIZES)
  default void addAndMultiply(int size) {
    Shape shape = Shape.of(size);
    try (Trial trial = trial("add %d", size)) {
      Operand x = trial.random(shape);
      Operand y = trial.random(shape);
      Operand out = trial.output(shape);
      trial.run(b -> b.elementwise().add(x.on(b), y.on(b), out.on(b)));
      trial.run(b -> b.elementwise().multiply(x.on(b), y.on(b), out.on(b)));
    }
    try (Trial trial = trial("into the first %d", size)) {
      Operand x = trial.updated(shape);
      Operand y = trial.random(shape);
      trial.run(b -> b.elementwise().add(x.on(b), y.on(b), x.on(b)));
      trial.run(b -> b.elementwise().multiply(x.on(b), y.on(b), x.on(b)));
    }
    try (Trial trial = trial("into the second %d", size)) {
      Operand x = trial.random(shape);
      Operand y = trial.updated(shape);
      trial.run(b -> b.elementwise().add(x.on(b), y.on(b), y.on(b)));
      trial.run(b -> b.elementwise().multiply(x.on(b), y.on(b), y.on(b)));
    }
    try (Trial trial = trial("all the same %d", size)) {
      Operand x = trial.updated(shape);
      trial.run(b -> b.elementwise().add(x.on(b), x.on(b), x.on(b)));
      trial.run(b -> b.elementwise().multiply(x.on(b), x.on(b), x.on(b)));
    }
  }

  @ParameterizedTest
  @EnumSource(Activation.class)
  default void activations(Activation activation) {
    ContractSubject.sizes()
        .forEach(
            size -> {
              Shape shape = Shape.of(size);
              try (Trial trial = trial("%s %d", activation, size)) {
                Operand x = trial.uniform(-8, 8, shape);
                Operand dy = trial.random(shape);
                Operand out = trial.output(shape);
                Operand dx = trial.output(shape);
                trial.run(b -> b.elementwise().activate(x.on(b), activation, out.on(b)));
                trial.run(
                    b -> b.elementwise().activateBackward(x.on(b), activation, dy.on(b), dx.on(b)));
              }
              try (Trial trial = trial("%s in place %d", activation, size)) {
                Operand x = trial.uniform(-8, 8, shape);
                Operand gradient = trial.updated(shape);
                Operand y = trial.updated(-8, 8, shape);
                trial.run(
                    b ->
                        b.elementwise()
                            .activateBackward(x.on(b), activation, gradient.on(b), gradient.on(b)));
                trial.run(b -> b.elementwise().activate(y.on(b), activation, y.on(b)));
              }
              try (Trial trial = trial("%s gradient over the input %d", activation, size)) {
                Operand x = trial.updated(-8, 8, shape);
                Operand dy = trial.random(shape);
                trial.run(
                    b -> b.elementwise().activateBackward(x.on(b), activation, dy.on(b), x.on(b)));
              }
            });
  }

  @ParameterizedTest
  @EnumSource(Activation.class)
  default void activationsAtKinksAndFarOut(Activation activation) {
    float[] values = {0, -0f, 3, -3, 6, -6, 2.9999998f, -2.9999998f, 88, -88, 100, -100, 1e30f};
    Shape shape = Shape.of(values.length);
    try (Trial trial = trial("%s at kinks", activation)) {
      Operand x = trial.values(shape, values);
      Operand dy = trial.random(shape);
      Operand out = trial.output(shape);
      Operand dx = trial.output(shape);
      trial.run(b -> b.elementwise().activate(x.on(b), activation, out.on(b)));
      trial.run(b -> b.elementwise().activateBackward(x.on(b), activation, dy.on(b), dx.on(b)));
    }
  }

  @ParameterizedTest
  @MethodSource(SIZES)
  default void sumAndDotRepeatBitForBit(int size) {
    try (Trial trial = trial("sum and dot %d", size)) {
      Operand x = trial.uniform(0, 1, Shape.of(size));
      Operand y = trial.random(size);
      trial.tolerance(1e-6).call(b -> b.elementwise().sum(x.on(b)));
      // The terms have both signs: the error follows their magnitudes, not the small result.
      trial.tolerance(1e-5).call(b -> b.elementwise().dot(x.on(b), y.on(b)));
      double once = backend().elementwise().dot(x.on(backend()), y.on(backend()));
      assertEquals(once, backend().elementwise().dot(x.on(backend()), y.on(backend())));
    }
  }
}
