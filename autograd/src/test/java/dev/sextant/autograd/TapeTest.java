package dev.sextant.autograd;

import static dev.sextant.autograd.Samples.array;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.autograd.ops.Activate;
import dev.sextant.autograd.ops.Add;
import dev.sextant.autograd.ops.Conv2d;
import dev.sextant.autograd.ops.Multiply;
import dev.sextant.autograd.ops.Rematerialize;
import dev.sextant.autograd.ops.Reshape;
import dev.sextant.autograd.ops.Scale;
import dev.sextant.autograd.ops.Sum;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.Window;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The rules of the tape, by hand-computed gradients of a few numbers. */
final class TapeTest {
  private final Backend backend = Backend.reference();
  private final Tensor x = Samples.tensor(backend, Shape.of(2), 2, -3);
  private final Parameter w =
      new Parameter(Samples.tensor(backend, Shape.of(2), 5, 7), Parameter.Role.KERNEL);

  @AfterEach
  void everythingIsFreed() {
    x.close();
    w.clearGradient();
    w.value().close();
    assertEquals(0, backend.memory().current(), backend.memory()::largestHolders);
    backend.close();
  }

  private Tape tape() {
    return new Tape(backend, Tape.Mode.TRAIN);
  }

  private float[] gradient(Variable variable) {
    return array(backend, variable.gradient());
  }

  @Test
  void aVariableUsedTwiceGetsBothGradients() {
    try (Tape tape = tape()) {
      Variable leaf = tape.leaf(x);
      // x² + 4x: 2x + 4
      Variable y = Add.apply(tape, Multiply.apply(tape, leaf, leaf), Scale.apply(tape, leaf, 4));
      tape.backward(Sum.apply(tape, y));
      assertArrayEquals(new float[] {8, -2}, gradient(leaf));
    }
  }

  @Test
  void aParameterUsedTwiceGetsBothGradients() {
    try (Tape tape = tape()) {
      // x w + w w: x + 2 w
      Variable y =
          Add.apply(tape, Multiply.apply(tape, tape.constant(x), w), Multiply.apply(tape, w, w));
      tape.backward(Sum.apply(tape, y));
    }
    assertArrayEquals(new float[] {12, 11}, gradient(w));
  }

  @Test
  void aParametersGradientAddsUpOverTapesUntilCleared() {
    for (int pass = 0; pass < 2; pass++) {
      try (Tape tape = tape()) {
        tape.backward(Sum.apply(tape, Multiply.apply(tape, tape.constant(x), w)));
      }
    }
    assertArrayEquals(new float[] {4, -6}, gradient(w));
    assertEquals(8, backend.memory().current(Category.GRADIENTS));
    w.clearGradient();
    assertNull(w.gradient());
  }

  /** Add hands one gradient to both sides; what is done to one must not be seen by the other. */
  @Test
  void sharedGradientsOfResidualSumsStayApart() {
    try (Tape tape = tape()) {
      Variable leaf = tape.leaf(x);
      Variable other = tape.leaf(x);
      // h = 3 x; y = h + relu(h) + other: three handles to dy, two of them overwritten in place
      Variable h = Scale.apply(tape, leaf, 3);
      Variable sum = Add.apply(tape, h, Activate.apply(tape, h, Activation.RELU));
      Variable y = Add.apply(tape, sum, other);
      tape.backward(y, Samples.tensor(backend, Shape.of(2), 1, 10));
      assertArrayEquals(new float[] {6, 30}, gradient(leaf));
      assertArrayEquals(new float[] {1, 10}, gradient(other));
    }
  }

  @Test
  void theSumOfAVariableWithItselfDoublesItsGradient() {
    try (Tape tape = tape()) {
      Variable leaf = tape.leaf(x);
      Variable twice = Add.apply(tape, leaf, leaf);
      Variable fourTimes = Add.apply(tape, twice, Reshape.apply(tape, twice, Shape.of(2)));
      tape.backward(fourTimes, Samples.tensor(backend, Shape.of(2), 1, 10));
      assertArrayEquals(new float[] {4, 40}, gradient(leaf));
    }
  }

  @Test
  void aParametersGradientSharesNothing() {
    try (Tape tape = tape()) {
      Variable leaf = tape.leaf(x);
      tape.backward(Sum.apply(tape, Add.apply(tape, leaf, w)));
      Tensor held = w.gradient();
      assertNotNull(held);
      backend.elementwise().scale(held, 100, held);
      assertArrayEquals(new float[] {1, 1}, gradient(leaf));
      assertEquals(8, backend.memory().current(Category.GRADIENTS));
    }
  }

  @Test
  void frozenParametersGetNoGradient() {
    w.setFrozen(true);
    try (Tape tape = tape()) {
      Variable leaf = tape.leaf(x);
      tape.backward(Sum.apply(tape, Multiply.apply(tape, leaf, w)));
      assertArrayEquals(new float[] {5, 7}, gradient(leaf));
      assertNull(w.gradient());
      assertFalse(tape.records(w));
    }
    w.setFrozen(false);
  }

  @Test
  void aParameterThawedAfterTheForwardPassWaitsForTheNextOne() {
    w.setFrozen(true);
    try (Tape tape = tape()) {
      Variable leaf = tape.leaf(x);
      Variable h = Scale.apply(tape, leaf, 1);
      Variable y = Multiply.apply(tape, h, w);
      h.release();
      w.setFrozen(false);
      tape.backward(Sum.apply(tape, y));
      assertArrayEquals(new float[] {5, 7}, gradient(leaf));
      assertNull(w.gradient());
    }
  }

  @Test
  void underFrozenWeightsAConvolutionsInputIsNotKept() {
    Parameter kernel =
        new Parameter(Samples.uniform(backend, 1, Shape.of(1, 1, 3, 2)), Parameter.Role.KERNEL);
    Tensor image = Samples.uniform(backend, 2, Shape.of(1, 4, 4, 3));
    kernel.setFrozen(true);
    try (Tape tape = tape()) {
      Variable h = Scale.apply(tape, tape.leaf(image), 2);
      Conv2d.apply(tape, h, kernel, Window.POINTWISE);
      long before = backend.memory().current(Category.ACTIVATIONS);
      h.release();
      assertEquals(48 * 4, before - backend.memory().current(Category.ACTIVATIONS));
    }
    image.close();
    kernel.value().close();
  }

  @Test
  void backwardNeedsAScalar() {
    try (Tape tape = tape()) {
      Variable y = Scale.apply(tape, tape.leaf(x), 2);
      String message = assertThrows(SextantException.class, () -> tape.backward(y)).getMessage();
      assertEquals("backward: needs a scalar, got scale [2]", message);
    }
  }

  @Test
  void backwardNeedsSomethingThatRequiresAGradient() {
    try (Tape tape = tape()) {
      Variable loss = Sum.apply(tape, tape.constant(x));
      String message = assertThrows(SextantException.class, () -> tape.backward(loss)).getMessage();
      assertEquals("backward: sum [] depends on nothing that requires a gradient", message);
    }
  }

  @Test
  void evalRecordsNothing() {
    try (Tape tape = new Tape(backend, Tape.Mode.EVAL)) {
      assertFalse(tape.records(w));
      Variable h = Multiply.apply(tape, tape.constant(x), w);
      assertFalse(h.requiresGradient());
      Variable loss = Sum.apply(tape, h);
      long before = backend.memory().current();
      h.release();
      assertEquals(8, before - backend.memory().current());
      String message = assertThrows(SextantException.class, () -> tape.backward(loss)).getMessage();
      assertTrue(message.endsWith("(this tape records nothing)"), message);
    }
    assertNull(w.gradient());
  }

  @Test
  void unusedBranchesGetNoGradient() {
    try (Tape tape = tape()) {
      Variable used = tape.leaf(x);
      Variable unused = tape.leaf(x);
      Multiply.apply(tape, unused, w);
      tape.backward(Sum.apply(tape, Scale.apply(tape, used, 3)));
      assertArrayEquals(new float[] {3, 3}, gradient(used));
      assertNull(unused.gradient());
      assertNull(w.gradient());
    }
  }

  @Test
  void aPassIsRunBackwardOnce() {
    try (Tape tape = tape()) {
      Variable h = Scale.apply(tape, tape.leaf(x), 2);
      Variable loss = Sum.apply(tape, h);
      tape.backward(loss);
      assertEquals(
          "backward: sum [] was already run backward",
          assertThrows(SextantException.class, () -> tape.backward(loss)).getMessage());
      String message =
          assertThrows(SextantException.class, () -> Scale.apply(tape, h, 2)).getMessage();
      assertTrue(message.startsWith("scale: its input scale [2] was already run"), message);
    }
  }

  @Test
  void aSecondPassOnTheSameTapeIsFine() {
    try (Tape tape = tape()) {
      Variable leaf = tape.leaf(x);
      tape.backward(Sum.apply(tape, Scale.apply(tape, leaf, 2)));
      tape.backward(Sum.apply(tape, Scale.apply(tape, leaf, 5)));
      assertArrayEquals(new float[] {7, 7}, gradient(leaf));
    }
  }

  @Test
  void innerTapesLeaveTheOuterOneAlone() {
    try (Tape tape = tape()) {
      Variable leaf = tape.leaf(x);
      Variable h = Multiply.apply(tape, leaf, leaf);
      try (Tape inner = tape.unrecorded()) {
        assertSame(Tape.Mode.TRAIN, inner.mode());
        Variable copy = Scale.apply(inner, h, 2);
        assertFalse(copy.requiresGradient());
        assertArrayEquals(new float[] {8, 18}, array(backend, copy.value()));
        assertThrows(IllegalStateException.class, tape::close, "innermost first");
      }
      try (Tape probe = tape.probe()) {
        assertSame(Tape.Mode.TRAIN_STATELESS, probe.mode());
        assertFalse(probe.records(leaf));
      }
      tape.backward(Sum.apply(tape, h));
      assertArrayEquals(new float[] {4, -6}, gradient(leaf));
    }
    try (Tape tape = new Tape(backend, Tape.Mode.EVAL);
        Tape probe = tape.probe()) {
      assertSame(Tape.Mode.EVAL, probe.mode());
    }
  }

  /** A gradient that an inner pass gives to a variable of the outer tape outlives the inner one. */
  @Test
  void anInnerPassReachesVariablesOfTheOuterTape() {
    try (Tape tape = tape()) {
      Variable leaf = tape.leaf(x);
      Variable factor = Scale.apply(tape, leaf, 2);
      Variable input = tape.leaf(x);
      // y = input · 2 leaf, the factor from outside the segment
      Variable y =
          Rematerialize.apply(tape, input, (inside, v) -> Multiply.apply(inside, v, factor));
      tape.backward(Sum.apply(tape, y));
      assertArrayEquals(new float[] {4, -6}, gradient(input));
      assertArrayEquals(new float[] {4, -6}, gradient(leaf));
    }
  }

  /** A dropped value that is asked for inside an inner tape is there after that one's end. */
  @Test
  void aValueRecomputedInsideAnInnerTapeSurvivesIt() {
    try (Tape tape = tape()) {
      Variable leaf = tape.leaf(x);
      Variable h = Activate.apply(tape, leaf, Activation.RELU);
      Variable a = Rematerialize.apply(tape, h, (inside, v) -> Multiply.apply(inside, v, v));
      Variable b = Multiply.apply(tape, h, h);
      h.release();
      try (Tape probe = tape.probe()) {
        assertArrayEquals(new float[] {4, 0}, array(backend, Scale.apply(probe, h, 2).value()));
      }
      assertArrayEquals(new float[] {2, 0}, array(backend, h.value()));
      h.release();
      tape.backward(Sum.apply(tape, Add.apply(tape, b, a)));
      assertArrayEquals(new float[] {8, 0}, gradient(leaf));
    }
  }

  @Test
  void releaseIsIdempotentAndAReadAfterItNamesTheOp() {
    try (Tape tape = tape()) {
      Variable h = Scale.apply(tape, tape.leaf(x), 2);
      h.release();
      h.release();
      assertEquals(
          "read after its release: scale [2]",
          assertThrows(IllegalStateException.class, h::value).getMessage());
    }
    w.release();
    assertArrayEquals(new float[] {5, 7}, array(backend, w.value()));
  }

  @Test
  void aClosedTapeTakesNoOps() {
    Tape tape = tape();
    Variable leaf = tape.leaf(x);
    tape.close();
    tape.close();
    assertThrows(IllegalStateException.class, () -> tape.constant(x));
    assertThrows(IllegalStateException.class, () -> Scale.apply(tape, leaf, 2));
    assertThrows(IllegalStateException.class, () -> leaf.value().floats());
  }

  @Test
  void tensorsOfAnotherBackendAreRefusedByName() {
    try (Backend other = Backend.reference();
        Tape tape = new Tape(other, Tape.Mode.TRAIN)) {
      assertEquals(
          "leaf: input [2] is not in the memory of the tape's backend (reference)",
          assertThrows(SextantException.class, () -> tape.leaf(x)).getMessage());
      assertEquals(
          "scale: input [2] is not in the memory of the tape's backend (reference)",
          assertThrows(SextantException.class, () -> Scale.apply(tape, w, 2)).getMessage());
    }
  }

  @Test
  void aGradientHasTheShapeOfItsValue() {
    try (Tape tape = tape()) {
      Variable y = Scale.apply(tape, tape.leaf(x), 2);
      Tensor wrong = tape.output(Shape.of(3), "wrong");
      assertEquals(
          "backward: gradient [3] for scale [2]",
          assertThrows(SextantException.class, () -> tape.backward(y, wrong)).getMessage());
    }
  }

  @Test
  void aTapeOpenedAgainComputesTheSameAndRefusesWhatItNoLongerHolds() {
    Tape tape = new Tape(backend);
    assertThrows(IllegalStateException.class, () -> tape.leaf(x));
    Variable before = null;
    for (int pass = 0; pass < 3; pass++) {
      try (Tape open = tape.open(Tape.Mode.TRAIN)) {
        assertThrows(IllegalStateException.class, () -> open.open(Tape.Mode.EVAL));
        Variable leaf = open.leaf(x);
        Variable y = Multiply.apply(open, leaf, Activate.apply(open, leaf, Activation.RELU));
        try (Tape probe = open.probe()) {
          assertFalse(Scale.apply(probe, leaf, 2).requiresGradient());
        }
        open.backward(Sum.apply(open, y));
        // x relu(x): 2 x where x is positive
        assertArrayEquals(new float[] {4, 0}, gradient(leaf));
        before = leaf;
      }
      assertThrows(IllegalStateException.class, before::value);
    }
  }
}
