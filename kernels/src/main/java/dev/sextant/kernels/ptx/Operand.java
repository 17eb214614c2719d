package dev.sextant.kernels.ptx;

/**
 * A typed operand of a PTX instruction: a register, or a constant as it is written. The type keeps
 * a predicate from being added to an address; {@link Assembler} makes them all.
 */
public sealed interface Operand {
  /** As it stands in the instruction, such as {@code %sum} or {@code 0f3F800000}. */
  String text();

  /** A 32-bit float. */
  record F32(String text) implements Operand {}

  /** A 32-bit signed integer or bit pattern. */
  record B32(String text) implements Operand {}

  /** A 64-bit address or offset in bytes. */
  record B64(String text) implements Operand {}

  /** A truth value. */
  record Pred(String text) implements Operand {}
}
