package dev.sextant.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.tensor.Trial.Operand;
import dev.sextant.tensor.family.Expansions;
import dev.sextant.tensor.family.Expansions.ConvolutionGradient;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** {@link Expansions} against the same with every tensor in memory. */
public interface ExpansionContract extends ContractSubject {
  float EPSILON = 1e-3f;

  @ParameterizedTest
  @MethodSource("dev.sextant.tensor.ContractSubject#windows")
  default void expansionsForEveryWindow(Window window) {
    int[] hidden = {16, 17, 31, 32, 33, 48, 65};
    int turn = 0;
    for (int[] image : ContractSubject.images(window).toList()) {
      int channels = ContractSubject.channels()[turn % 8];
      int outputs = ContractSubject.channels()[(5 * turn + 2) % 8];
      Shape x = Shape.of(image[0], image[1], image[2], channels);
      check(x, hidden[turn % hidden.length], outputs, window, Activation.RELU6);
      turn++;
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Activation.class,
      names = {"IDENTITY", "RELU", "RELU6"})
  default void expansionsInManyBlocks(Activation activation) {
    check(Shape.of(2, 32, 31, 24), 144, 24, Window.same(3, 1), activation);
    if (activation == Activation.RELU6) {
      check(Shape.of(3, 33, 32, 16), 72, 40, Window.same(5, 2), activation);
      check(Shape.of(5, 40, 41, 3), 88, 5, Window.same(7, 1), activation);
      check(Shape.of(4, 8, 8, 150), 320, 70, Window.same(3, 1), activation);
    }
  }

  private void check(Shape x, int hidden, int outputs, Window window, Activation activation) {
    try (Trial trial = trial("expansion %s to %d, %s, %s", x, hidden, window, activation)) {
      trial.tolerance(2e-4);
      Case c = new Case(trial, x, hidden, outputs, window, activation);
      c.forward(true);
      c.reduce(true, true);
      // dx and the sums of a norm's gradient are what cancelling thousands of products leaves.
      trial.tolerance(2e-3);
      c.backward(false, false, true, true, true);
      c.again = true;
      c.forward(false);
      c.reduce(true, false);
      c.reduce(false, true);
      for (int kept = 1; kept < 4; kept++) {
        c.backward((kept & 1) != 0, (kept & 2) != 0, true, true, true);
      }
      c.backward(false, false, false, false, true);
      c.backward(false, true, true, false, false);
      c.backward(true, false, false, true, false);
    }
  }

  @Test
  default void expansionsRepeatBitForBitAndTakeNoNewMemory() {
    Shape x = Shape.of(4, 17, 15, 24);
    try (Trial trial = trial("repeated expansions")) {
      trial.tolerance(2e-3);
      Case c = new Case(trial, x, 88, 20, Window.same(3, 1), Activation.RELU6);
      c.forward(true);
      c.reduce(true, true);
      c.backward(false, false, true, true, true);
      Backend b = backend();
      List<Operand> outputs =
          List.of(c.z, c.dprojection, c.dkernel, c.dexpansion, c.dx, c.mean, c.variance);
      List<float[]> before = outputs.stream().map(o -> download(o.on(b))).toList();
      long reserved = b.memory().reserved();
      c.again = true;
      for (int i = 0; i < 3; i++) {
        c.forward(true);
        c.reduce(true, true);
        c.backward(false, false, true, true, true);
        for (int j = 0; j < before.size(); j++) {
          assertArrayEquals(before.get(j), download(outputs.get(j).on(b)));
        }
      }
      assertEquals(reserved, b.memory().reserved());
    }
  }

  @Test
  default void momentsFarFromZeroDoNotCancel() {
    try (Trial trial = trial("moments far from zero")) {
      Operand x = trial.uniform(1000, 1001, Shape.of(2, 32, 32, 17));
      Operand w = trial.uniform(-1, 1, Shape.of(1, 1, 17, 20));
      Operand inputMean = trial.output(Shape.of(17));
      Operand covariance = trial.output(Shape.of(17, 17));
      Operand mean = trial.output(Shape.of(20));
      Operand variance = trial.output(Shape.of(20));
      trial.tolerance(1e-5);
      trial.run(b -> ExpansionSteps.on(b).covariance(x.on(b), inputMean.on(b), covariance.on(b)));
      trial.run(
          b ->
              ExpansionSteps.on(b)
                  .moments(inputMean.on(b), covariance.on(b), w.on(b), mean.on(b), variance.on(b)));
    }
  }

  @Test
  default void expansionsSayWhatDoesNotFit() {
    Backend b = backend();
    Expansions kernels = b.bottleneck().expansions();
    if (kernels == null) {
      return;
    }
    try (Tensor x = b.memory().floats(Shape.of(2, 4, 4, 3), Memory.Category.DATA, "x");
        Tensor mean = b.memory().floats(Shape.of(3), Memory.Category.DATA, "mean");
        Tensor wrong = b.memory().floats(Shape.of(3, 4), Memory.Category.DATA, "covariance")) {
      String message =
          assertThrows(SextantException.class, () -> kernels.covariance(x, mean, wrong))
              .getMessage();
      assertTrue(message.contains("covariance must be [3,3] (it is [3,4])"), message);
    }
  }

  /** The operands of a bottleneck whose three outputs have nothing to do with one another. */
  final class Case {
    private final Trial trial;
    private final Window window;
    private final Operand x;
    private final Operand inputMean;
    private final Operand covariance;
    private final Operand expansion;
    private final Operand kernel;
    private final Operand projection;
    private final Operand middle;
    private final Operand last;
    private final Operand expanded;
    private final Operand behind;
    private final Operand g;
    private final Norm expansionNorm;
    private final Norm middleNorm;
    private final Norm lastNorm;
    final Operand z;
    final Operand mean;
    final Operand variance;
    final Operand dexpansion;
    final Operand dkernel;
    final Operand dprojection;
    final Operand dx;

    /** Whether all results stand on the reference already, whatever is kept or left out. */
    boolean again;

    Case(Trial trial, Shape image, int hidden, int outputs, Window window, Activation activation) {
      this.trial = trial;
      this.window = window;
      int inputs = image.channels();
      Shape middleShape = window.output(image, hidden);
      Shape lastShape = middleShape.withChannels(outputs);
      x = trial.uniform(-2, 3, image);
      inputMean = trial.output(Shape.of(inputs));
      covariance = trial.output(Shape.of(inputs, inputs));
      expansion = trial.random(1, 1, inputs, hidden);
      kernel = trial.random(window.kernel(), window.kernel(), hidden);
      projection = trial.random(1, 1, hidden, outputs);
      middle = trial.uniform(-3, 2, middleShape);
      last = trial.uniform(-3, 2, lastShape);
      g = trial.output(lastShape);
      expanded = trial.output(image.withChannels(hidden));
      behind = trial.output(middleShape);
      z = trial.output(middleShape);
      mean = trial.output(Shape.of(hidden));
      variance = trial.output(Shape.of(hidden));
      dexpansion = trial.output(expansion.shape());
      dkernel = trial.output(kernel.shape());
      dprojection = trial.output(projection.shape());
      dx = trial.output(image);
      expansionNorm = new Norm(trial, hidden, activation);
      middleNorm = new Norm(trial, hidden, activation);
      lastNorm = new Norm(trial, outputs, Activation.IDENTITY);
      trial.run(
          b ->
              b.batchNorm()
                  .statistics(middle.on(b), middleNorm.mean.on(b), middleNorm.variance.on(b)));
      trial.run(
          b -> b.batchNorm().statistics(last.on(b), lastNorm.mean.on(b), lastNorm.variance.on(b)));
      Operand dy = trial.random(lastShape);
      trial.run(b -> b.batchNorm().reduce(last.on(b), dy.on(b), lastNorm.on(b), g.on(b)));
    }

    private void run(Consumer<Backend> call) {
      if (again) {
        trial.again(call);
      } else {
        trial.run(call);
      }
    }

    void forward(boolean keep) {
      run(b -> ExpansionSteps.on(b).covariance(x.on(b), inputMean.on(b), covariance.on(b)));
      run(
          b ->
              ExpansionSteps.on(b)
                  .moments(
                      inputMean.on(b),
                      covariance.on(b),
                      expansion.on(b),
                      expansionNorm.mean.on(b),
                      expansionNorm.variance.on(b)));
      run(
          b ->
              ExpansionSteps.on(b)
                  .depthwise(
                      x.on(b),
                      expansion.on(b),
                      expansionNorm.on(b).norm(),
                      keep ? expanded.on(b) : null,
                      kernel.on(b),
                      window,
                      z.on(b),
                      mean.on(b),
                      variance.on(b)));
    }

    void reduce(boolean filter, boolean keep) {
      run(
          b ->
              ExpansionSteps.on(b)
                  .reduceProjection(
                      g.on(b),
                      last.on(b),
                      stage(b, projection, lastNorm, filter ? dprojection : null),
                      middle.on(b),
                      middleNorm.on(b),
                      keep ? behind.on(b) : null));
    }

    void backward(
        boolean keptExpanded,
        boolean keptBehind,
        boolean filters,
        boolean expansionFilter,
        boolean data) {
      run(
          b ->
              ExpansionSteps.on(b)
                  .backward(
                      g.on(b),
                      last.on(b),
                      stage(b, projection, lastNorm, null),
                      middle.on(b),
                      keptBehind ? behind.on(b) : null,
                      stage(b, kernel, middleNorm, filters ? dkernel : null),
                      window,
                      x.on(b),
                      inputMean.on(b),
                      covariance.on(b),
                      keptExpanded ? expanded.on(b) : null,
                      stage(b, expansion, expansionNorm, expansionFilter ? dexpansion : null),
                      data ? dx.on(b) : null));
    }

    private static ConvolutionGradient stage(
        Backend b, Operand w, Norm norm, @Nullable Operand dw) {
      return new ConvolutionGradient(w.on(b), norm.on(b), Trial.on(dw, b));
    }
  }

  /** A norm whose statistics and sums others write. */
  final class Norm {
    private final Activation activation;
    private final Operand gamma;
    private final Operand beta;
    private final Operand dgamma;
    private final Operand dbeta;
    final Operand mean;
    final Operand variance;

    Norm(Trial trial, int channels, Activation activation) {
      this.activation = activation;
      Shape vector = Shape.of(channels);
      gamma = trial.uniform(-1, 4, vector);
      beta = trial.uniform(-1, 4, vector);
      dgamma = trial.output(vector);
      dbeta = trial.output(vector);
      mean = trial.output(vector);
      variance = trial.output(vector);
    }

    NormGradient on(Backend b) {
      return new NormGradient(
          new BatchNorm(mean.on(b), variance.on(b), gamma.on(b), beta.on(b), EPSILON, activation),
          dgamma.on(b),
          dbeta.on(b));
    }
  }
}
