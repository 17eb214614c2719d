package dev.sextant.tensor;

import dev.sextant.tensor.Trial.Operand;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Kernels that treat the channels of all pixels alike. */
interface ChannelContract extends ContractSubject {
  String IMAGES = "dev.sextant.tensor.ChannelContract#images";

  /**
   * Empty in each dimension, small at every awkward channel count, and one divided among threads.
   */
  static Stream<Shape> images() {
    Stream.Builder<Shape> shapes = Stream.builder();
    shapes.add(Shape.of(0, 2, 2, 3)).add(Shape.of(2, 0, 3, 4)).add(Shape.of(2, 3, 3, 0));
    for (int channels : ContractSubject.channels()) {
      shapes.add(Shape.of(1, 1, 1, channels)).add(Shape.of(3, 4, 5, channels));
    }
    return shapes.add(Shape.of(5, 13, 11, 33)).build();
  }

  @ParameterizedTest
  @MethodSource(IMAGES)
  default void biasAndItsGradient(Shape shape) {
    Shape vector = Shape.of(shape.channels());
    try (Trial trial = trial("bias %s", shape)) {
      Operand x = trial.random(shape);
      Operand bias = trial.random(vector);
      Operand out = trial.output(shape);
      Operand sum = trial.output(vector);
      Operand same = trial.updated(shape);
      trial.run(b -> b.channels().addBias(x.on(b), bias.on(b), out.on(b)));
      trial.run(b -> b.channels().addBias(same.on(b), bias.on(b), same.on(b)));
      trial.run(b -> b.channels().sum(x.on(b), sum.on(b)));
    }
  }

  @ParameterizedTest
  @MethodSource(IMAGES)
  default void scalesAndInnerProductsByImage(Shape shape) {
    Shape factors = Shape.of(shape.get(0), shape.get(3));
    try (Trial trial = trial("scale channels %s", shape)) {
      Operand x = trial.random(shape);
      Operand y = trial.random(shape);
      Operand s = trial.random(factors);
      Operand out = trial.output(shape);
      Operand same = trial.updated(shape);
      Operand dot = trial.output(factors);
      trial.run(b -> b.channels().scale(x.on(b), s.on(b), out.on(b)));
      trial.run(b -> b.channels().scale(same.on(b), s.on(b), same.on(b)));
      trial.run(b -> b.channels().dot(x.on(b), y.on(b), dot.on(b)));
    }
  }

  @ParameterizedTest
  @MethodSource(IMAGES)
  default void copiesChannels(Shape from) {
    int channels = from.channels();
    Shape to = from.withChannels(channels + 7);
    for (int count : new int[] {0, channels / 2, channels}) {
      for (int at : new int[] {0, 3, 7}) {
        try (Trial trial = trial("copy %d channels of %s at %d", count, from, at)) {
          Operand x = trial.random(from);
          Operand out = trial.updated(to);
          int fromChannel = channels - count;
          trial
              .tolerance(0)
              .run(b -> b.channels().copy(x.on(b), fromChannel, out.on(b), at, count));
        }
      }
    }
  }
}
