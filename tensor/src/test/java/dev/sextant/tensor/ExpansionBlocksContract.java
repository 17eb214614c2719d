package dev.sextant.tensor;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Operands so large that a backend divides them into blocks and among threads. */
public interface ExpansionBlocksContract extends ExpansionContract {
  /** How blocks are divided is the activation's business nowhere: the dearest have one of them. */
  @ParameterizedTest
  @EnumSource(
      value = Activation.class,
      names = {"IDENTITY", "RELU", "RELU6"})
  default void expansionsInManyBlocks(Activation activation) {
    check(Shape.of(2, 32, 31, 24), 144, 24, Window.same(3, 1), activation);
    check(Shape.of(3, 33, 32, 16), 72, 40, Window.same(5, 2), activation);
    if (activation == Activation.RELU6) {
      check(Shape.of(5, 40, 41, 3), 88, 5, Window.same(7, 1), activation);
      check(Shape.of(4, 8, 8, 150), 320, 70, Window.same(3, 1), activation);
    }
  }
}
