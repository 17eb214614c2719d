package dev.sextant.tensor;

import dev.sextant.tensor.Trial.Operand;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Poolings, forward and backward. */
interface PoolContract extends ContractSubject {
  @ParameterizedTest
  @MethodSource("dev.sextant.tensor.ContractSubject#windows")
  default void pooling(Window window) {
    if (window.padding() >= window.span()) {
      return;
    }
    int[] channels = ContractSubject.channels();
    int[] turn = {0};
    ContractSubject.images(window)
        .forEach(
            image -> {
              int c = channels[turn[0]++ % channels.length];
              pool(Shape.of(image[0], image[1], image[2], c), window);
            });
    pool(Shape.of(3, 21, 19, 33), window);
  }

  private void pool(Shape image, Window window) {
    Shape output = window.output(image, image.channels());
    try (Trial trial = trial("pool %s, %s", image, window)) {
      // Five values alone: ties in every window, which the first one must win.
      Operand x = trial.input(image, value -> Math.floor(5 * value) - 4);
      Operand dy = trial.random(output);
      Operand out = trial.output(output);
      Operand dx = trial.output(image);
      trial.run(b -> b.pooling().max(x.on(b), window, out.on(b)));
      trial.run(b -> b.pooling().maxBackward(x.on(b), dy.on(b), window, dx.on(b)));
      trial.run(b -> b.pooling().average(x.on(b), window, out.on(b)));
      trial.run(b -> b.pooling().averageBackward(dy.on(b), window, dx.on(b)));
    }
  }

  @ParameterizedTest
  @MethodSource(ChannelContract.IMAGES)
  default void globalPooling(Shape image) {
    Shape output = Shape.of(image.get(0), image.get(3));
    try (Trial trial = trial("global pool %s", image)) {
      Operand x = trial.random(image);
      Operand dy = trial.random(output);
      Operand out = trial.output(output);
      Operand dx = trial.output(image);
      trial.run(b -> b.pooling().globalAverage(x.on(b), out.on(b)));
      trial.run(b -> b.pooling().globalAverageBackward(dy.on(b), dx.on(b)));
    }
  }
}
