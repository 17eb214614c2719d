package dev.sextant.tensor;

import dev.sextant.tensor.Trial.Operand;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Batch normalisation: statistics, application, gradients, and the gate's inner product. */
interface BatchNormContract extends ContractSubject {
  /** Rows by channels, from empty to large enough to be divided among threads. */
  static Stream<Shape> matrices() {
    Stream.Builder<Shape> shapes = Stream.builder();
    shapes.add(Shape.of(0, 3)).add(Shape.of(4, 0)).add(Shape.of(1, 5)).add(Shape.of(2, 3, 3, 20));
    for (int channels : ContractSubject.channels()) {
      shapes.add(Shape.of(37, channels));
    }
    return shapes.add(Shape.of(7, 13, 11, 33)).build();
  }

  @ParameterizedTest
  @MethodSource("dev.sextant.tensor.BatchNormContract#matrices")
  default void batchNormalisation(Shape shape) {
    for (Activation activation : Activation.values()) {
      Shape vector = Shape.of(shape.channels());
      try (Trial trial = trial("batch norm %s %s", shape, activation)) {
        trial.tolerance(1e-4);
        Operand z = trial.uniform(-2, 3, shape);
        Operand mean = trial.output(vector);
        Operand variance = trial.output(vector);
        trial.run(b -> b.batchNorm().statistics(z.on(b), mean.on(b), variance.on(b)));
        Operand gamma = trial.uniform(-1, 4, vector);
        Operand beta = trial.uniform(-1, 4, vector);
        Operand residual = trial.random(shape);
        Operand dy = trial.random(shape);
        Operand out = trial.output(shape);
        Operand over = trial.updated(shape);
        Operand dz = trial.output(shape);
        Operand dgamma = trial.output(vector);
        Operand dbeta = trial.output(vector);
        Operand dyThenDz = trial.updated(shape);
        Operand zThenOut = trial.updated(shape);
        Side norm =
            b ->
                new BatchNorm(
                    mean.on(b), variance.on(b), gamma.on(b), beta.on(b), 1e-3f, activation);
        trial.run(b -> b.batchNorm().apply(z.on(b), norm.on(b), null, out.on(b)));
        trial.run(b -> b.batchNorm().apply(z.on(b), norm.on(b), residual.on(b), out.on(b)));
        trial.run(b -> b.batchNorm().apply(z.on(b), norm.on(b), over.on(b), over.on(b)));
        trial.run(b -> b.batchNorm().apply(zThenOut.on(b), norm.on(b), null, zThenOut.on(b)));
        trial.run(
            b ->
                b.batchNorm()
                    .backward(z.on(b), norm.on(b), dy.on(b), dz.on(b), dgamma.on(b), dbeta.on(b)));
        trial.run(
            b ->
                b.batchNorm()
                    .backward(
                        z.on(b),
                        norm.on(b),
                        dyThenDz.on(b),
                        dyThenDz.on(b),
                        dgamma.on(b),
                        dbeta.on(b)));
      }
    }
  }

  /** The batch norm of one side. */
  interface Side {
    BatchNorm on(Backend backend);
  }

  @Test
  default void statisticsDoNotCancelFarFromZero() {
    try (Trial trial = trial("statistics far from zero")) {
      Operand z = trial.uniform(1000, 1001, Shape.of(3000, 17));
      Operand mean = trial.output(Shape.of(17));
      Operand variance = trial.output(Shape.of(17));
      // In float, E[z²] - E[z]² would be off by 0.06 where the variance is 1/12.
      trial.tolerance(1e-6).run(b -> b.batchNorm().statistics(z.on(b), mean.on(b), variance.on(b)));
    }
    try (Trial trial = trial("variance far from zero")) {
      Operand z = trial.uniform(1000, 1001, Shape.of(3000, 17));
      Operand mean = trial.uniform(0, 0, Shape.of(17));
      Operand variance = trial.output(Shape.of(17));
      trial
          .tolerance(1e-4)
          .run(
              b -> {
                try (Tensor scratch =
                    b.memory().floats(mean.shape(), Memory.Category.DATA, "mean")) {
                  b.batchNorm().statistics(z.on(b), scratch, variance.on(b));
                }
              });
    }
  }

  @ParameterizedTest
  @MethodSource("dev.sextant.tensor.BatchNormContract#matrices")
  default void gateInnerProduct(Shape shape) {
    Shape vector = Shape.of(shape.channels());
    for (float offset : new float[] {0, 100}) {
      try (Trial trial = trial("inner product %s from %s", shape, offset)) {
        Operand z = trial.uniform(offset - 1, offset + 1, shape);
        Operand dy = trial.uniform(-1, 3, shape);
        Operand gamma = trial.uniform(0, 2, vector);
        Operand beta = trial.uniform(0, 2, vector);
        Operand shift = trial.uniform(offset - 0.5, offset + 0.5, vector);
        trial
            .tolerance(1e-4)
            .call(
                b ->
                    b.batchNorm()
                        .innerProduct(
                            z.on(b), dy.on(b), gamma.on(b), beta.on(b), 1e-3f, shift.on(b)));
      }
    }
  }
}
