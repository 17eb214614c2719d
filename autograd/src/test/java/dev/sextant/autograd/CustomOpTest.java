package dev.sextant.autograd;

import static dev.sextant.autograd.Samples.array;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.autograd.ops.Sum;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Check;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Ops from outside the library, and the gradient check that they are written with. */
final class CustomOpTest {
  private final Backend backend = Backend.reference();

  /** y = factor a b², with a gradient that may be wrong by a factor. */
  private record Weighted(float factor, float error) implements CustomOp {
    @Override
    public String name() {
      return "weighted";
    }

    @Override
    public Shape outputShape(Shape... inputs) {
      return inputs[0];
    }

    @Override
    public void forward(Backend backend, Tensor[] x, Tensor y) {
      Check.same("weighted", x[0], x[1]);
      backend.elementwise().multiply(x[0], x[1], y);
      backend.elementwise().multiply(y, x[1], y);
      backend.elementwise().scale(y, factor, y);
    }

    @Override
    public void backward(Backend backend, Tensor[] x, Tensor dy, @Nullable Tensor[] gradients) {
      Tensor da = gradients[0];
      if (da != null) {
        backend.elementwise().multiply(x[1], x[1], da);
        backend.elementwise().multiply(da, dy, da);
        backend.elementwise().scale(da, factor, da);
      }
      Tensor db = gradients[1];
      if (db != null) {
        backend.elementwise().multiply(x[0], x[1], db);
        backend.elementwise().multiply(db, dy, db);
        backend.elementwise().scale(db, 2 * factor * error, db);
      }
    }
  }

  private static class Square implements CustomOp {
    @Override
    public String name() {
      return "square";
    }

    @Override
    public Shape outputShape(Shape... inputs) {
      return inputs[0];
    }

    @Override
    public void forward(Backend backend, Tensor[] x, Tensor y) {
      backend.elementwise().multiply(x[0], x[0], y);
    }
  }

  private final Tensor a = Samples.uniform(backend, 1, Shape.of(3, 5));
  private final Tensor b = Samples.uniform(backend, 2, Shape.of(3, 5));

  @AfterEach
  void everythingIsFreed() {
    a.close();
    b.close();
    assertEquals(0, backend.memory().current(), backend.memory()::largestHolders);
    backend.close();
  }

  @Test
  void aRightGradientPasses() {
    double worst =
        GradientCheck.check("weighted", backend, new Weighted(3, 1)::apply, 1e-2f, 1e-3f, a, b);
    assertTrue(worst < 1e-3, () -> "error " + worst);
  }

  @Test
  void aWrongGradientIsCaughtAndTheElementNamed() {
    float[] before = array(backend, b);
    String message =
        assertThrows(
                SextantException.class,
                () ->
                    GradientCheck.check(
                        "weighted", backend, new Weighted(3, 1.02f)::apply, 1e-2f, 1e-3f, a, b))
            .getMessage();
    assertTrue(message.startsWith("gradient of weighted: tensor 1 [3,5] element "), message);
    assertArrayEquals(before, array(backend, b));
  }

  @Test
  void aGradientThatNeverArrivesIsCaught() {
    // The path through the second variable is cut: a constant made of its value.
    GradientCheck.Function cut =
        (tape, x) -> new Weighted(1, 1).apply(tape, x[0], tape.constant(x[1].value()));
    assertThrows(
        SextantException.class, () -> GradientCheck.check("cut", backend, cut, 1e-2f, 1e-3f, a, b));
  }

  @Test
  void parametersAreCheckedToo() {
    Parameter scale = new Parameter(b.share(), Parameter.Role.KERNEL);
    backend.memory().keep(scale.value());
    GradientCheck.Function right = (tape, x) -> new Weighted(3, 1).apply(tape, x[0], scale);
    GradientCheck.Function wrong = (tape, x) -> new Weighted(3, 1.02f).apply(tape, x[0], scale);
    GradientCheck.check("weighted", backend, right, 1e-2f, 1e-3f, List.of(scale), a);
    assertNull(scale.gradient());
    assertThrows(
        SextantException.class,
        () -> GradientCheck.check("weighted", backend, wrong, 1e-2f, 1e-3f, List.of(scale), a));
    assertNull(scale.gradient());
    scale.value().close();
  }

  @Test
  void aMissingGradientNamesTheOp() {
    try (Tape tape = new Tape(backend, Tape.Mode.TRAIN)) {
      Variable y = new Square().apply(tape, tape.leaf(a));
      Variable loss = Sum.apply(tape, y);
      assertEquals(
          "square: has no gradient; override CustomOp.backward",
          assertThrows(CustomOp.UnsupportedException.class, () -> tape.backward(loss))
              .getMessage());
    }
  }

  @Test
  void withoutAGradientItStillRunsForward() {
    try (Tape tape = new Tape(backend, Tape.Mode.EVAL)) {
      Variable y = new Square().apply(tape, tape.leaf(a));
      float first = array(backend, a)[0];
      assertEquals(first * first, array(backend, y.value())[0], 1e-6);
    }
  }

  @Test
  void aMissingDeviceNamesOpAndDevice() {
    CustomOp elsewhere =
        new Square() {
          @Override
          public boolean supports(Device device) {
            return device.kind().equals("cuda");
          }
        };
    try (Tape tape = new Tape(backend, Tape.Mode.TRAIN)) {
      assertEquals(
          "square: has no kernel for device reference",
          assertThrows(
                  CustomOp.UnsupportedException.class, () -> elsewhere.apply(tape, tape.leaf(a)))
              .getMessage());
    }
  }
}
