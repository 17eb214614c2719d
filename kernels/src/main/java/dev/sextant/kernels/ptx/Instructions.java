package dev.sextant.kernels.ptx;

import dev.sextant.kernels.ptx.Operand.B32;
import dev.sextant.kernels.ptx.Operand.B64;
import dev.sextant.kernels.ptx.Operand.F32;
import dev.sextant.kernels.ptx.Operand.Pred;

/**
 * The part of {@link Assembler} that computes: constants, variables, arithmetic and comparisons.
 *
 * <p>Float arithmetic is rounded to nearest and never contracted by the driver's compiler (a fused
 * multiply-add is asked for by name), so that a result does not depend on who compiles.
 */
public abstract sealed class Instructions permits Assembler {
  final Listing listing = new Listing();

  // ---- constants and variables

  /** A float constant. */
  public F32 constant(float value) {
    return new F32(Listing.constant(value));
  }

  /** An integer constant. */
  public B32 constant(int value) {
    return new B32(Integer.toString(value));
  }

  /** A float that is assigned again. */
  public F32 variable(String variable, F32 initial) {
    F32 register = new F32(listing.variable(".f32", variable));
    assign(register, initial);
    return register;
  }

  /** An integer that is assigned again. */
  public B32 variable(String variable, B32 initial) {
    B32 register = new B32(listing.variable(".b32", variable));
    assign(register, initial);
    return register;
  }

  /** An address that is assigned again. */
  public B64 variable(String variable, B64 initial) {
    B64 register = new B64(listing.variable(".b64", variable));
    assign(register, initial);
    return register;
  }

  /** to = from. */
  public void assign(F32 to, F32 from) {
    listing.instruction("mov.f32 %s, %s", to.text(), from.text());
  }

  /** to = from. */
  public void assign(B32 to, B32 from) {
    listing.instruction("mov.b32 %s, %s", to.text(), from.text());
  }

  /** to = from. */
  public void assign(B64 to, B64 from) {
    listing.instruction("mov.b64 %s, %s", to.text(), from.text());
  }

  // ---- integers

  /** a + b. */
  public B32 add(B32 a, B32 b) {
    return b32("add.s32 %s, %s, %s", a.text(), b.text());
  }

  /** a + b. */
  public B32 add(B32 a, int b) {
    return b == 0 ? a : add(a, constant(b));
  }

  /** to = a + b. */
  public void addTo(B32 to, B32 a, B32 b) {
    listing.instruction("add.s32 %s, %s, %s", to.text(), a.text(), b.text());
  }

  /** a - b. */
  public B32 subtract(B32 a, B32 b) {
    return b32("sub.s32 %s, %s, %s", a.text(), b.text());
  }

  /** a b, the low 32 bits. */
  public B32 multiply(B32 a, B32 b) {
    return b32("mul.lo.s32 %s, %s, %s", a.text(), b.text());
  }

  /** a b, the low 32 bits. */
  public B32 multiply(B32 a, int b) {
    return b == 1 ? a : multiply(a, constant(b));
  }

  /** a b + c, the low 32 bits. */
  public B32 multiplyAdd(B32 a, B32 b, B32 c) {
    return b32("mad.lo.s32 %s, %s, %s, %s", a.text(), b.text(), c.text());
  }

  /** a / b of integers that are not negative. */
  public B32 divide(B32 a, B32 b) {
    return b32("div.u32 %s, %s, %s", a.text(), b.text());
  }

  /** The smaller. */
  public B32 min(B32 a, B32 b) {
    return b32("min.s32 %s, %s, %s", a.text(), b.text());
  }

  /** a shifted right, filled with zeros. */
  public B32 shiftRight(B32 a, int bits) {
    return b32("shr.u32 %s, %s, %d", a.text(), bits);
  }

  /** The integer as a float. */
  public F32 toFloat(B32 a) {
    return f32("cvt.rn.f32.s32 %s, %s", a.text());
  }

  // ---- addresses

  /** The address of element {@code index} (4 bytes each; may be negative) from a base. */
  public B64 element(B64 base, B32 index) {
    return b64("mad.wide.s32 %s, %s, 4, %s", index.text(), base.text());
  }

  /** Bytes of that many elements. */
  public B64 bytes(B32 elements) {
    return b64("mul.wide.s32 %s, %s, 4", elements.text());
  }

  /** a + b. */
  public B64 add(B64 a, B64 b) {
    return b64("add.s64 %s, %s, %s", a.text(), b.text());
  }

  /** a times a small factor, which may be negative. */
  public B64 multiply(B64 a, int factor) {
    return b64("mul.lo.s64 %s, %s, %d", a.text(), factor);
  }

  /** to = a + b. */
  public void addTo(B64 to, B64 a, B64 b) {
    listing.instruction("add.s64 %s, %s, %s", to.text(), a.text(), b.text());
  }

  // ---- floats

  /** a + b. */
  public F32 add(F32 a, F32 b) {
    return f32("add.rn.f32 %s, %s, %s", a.text(), b.text());
  }

  /** to = a + b. */
  public void addTo(F32 to, F32 a, F32 b) {
    listing.instruction("add.rn.f32 %s, %s, %s", to.text(), a.text(), b.text());
  }

  /** a - b. */
  public F32 subtract(F32 a, F32 b) {
    return f32("sub.rn.f32 %s, %s, %s", a.text(), b.text());
  }

  /** a b. */
  public F32 multiply(F32 a, F32 b) {
    return f32("mul.rn.f32 %s, %s, %s", a.text(), b.text());
  }

  /** a b + c, rounded once. */
  public F32 fma(F32 a, F32 b, F32 c) {
    return f32("fma.rn.f32 %s, %s, %s, %s", a.text(), b.text(), c.text());
  }

  /** to = a b + c, rounded once. */
  public void fmaTo(F32 to, F32 a, F32 b, F32 c) {
    listing.instruction("fma.rn.f32 %s, %s, %s, %s", to.text(), a.text(), b.text(), c.text());
  }

  /** a / b. */
  public F32 divide(F32 a, F32 b) {
    return f32("div.rn.f32 %s, %s, %s", a.text(), b.text());
  }

  /** The square root. */
  public F32 squareRoot(F32 a) {
    return f32("sqrt.rn.f32 %s, %s", a.text());
  }

  /** The larger; the other one if one is not a number. */
  public F32 max(F32 a, F32 b) {
    return f32("max.f32 %s, %s, %s", a.text(), b.text());
  }

  /** 2 to the power a, to within two units in the last place. */
  public F32 exp2(F32 a) {
    return f32("ex2.approx.f32 %s, %s", a.text());
  }

  /** The logarithm to base 2, to within 2^-22 of absolute error near 1. */
  public F32 log2(F32 a) {
    return f32("lg2.approx.f32 %s, %s", a.text());
  }

  // ---- comparisons

  /** {@code a < b}. */
  public Pred less(B32 a, B32 b) {
    return pred("setp.lt.s32 %s, %s, %s", a, b);
  }

  /** {@code 0 <= a < b}, in one comparison of unsigned numbers, for b of at least 0. */
  public Pred within(B32 a, B32 b) {
    return pred("setp.lt.u32 %s, %s, %s", a, b);
  }

  /** a == b. */
  public Pred equal(B32 a, B32 b) {
    return pred("setp.eq.s32 %s, %s, %s", a, b);
  }

  /** {@code a < b}; false if one is not a number. */
  public Pred less(F32 a, F32 b) {
    return pred("setp.lt.f32 %s, %s, %s", a, b);
  }

  /** a > b, or one of them is not a number. */
  public Pred greaterOrUnordered(F32 a, F32 b) {
    return pred("setp.gtu.f32 %s, %s, %s", a, b);
  }

  /** a > b; false if one is not a number. */
  public Pred greater(F32 a, F32 b) {
    return pred("setp.gt.f32 %s, %s, %s", a, b);
  }

  /** a == b; false if one is not a number. */
  public Pred equal(F32 a, F32 b) {
    return pred("setp.eq.f32 %s, %s, %s", a, b);
  }

  /** Both hold. */
  public Pred and(Pred a, Pred b) {
    return pred("and.pred %s, %s, %s", a, b);
  }

  /** It does not hold. */
  public Pred not(Pred a) {
    String register = listing.temporary(".pred", 'p');
    emit(register, "not.pred %s, %s", a.text());
    return new Pred(register);
  }

  /** One of them holds. */
  public Pred or(Pred a, Pred b) {
    return pred("or.pred %s, %s, %s", a, b);
  }

  /** The first where the condition holds, the second elsewhere. */
  public F32 select(Pred condition, F32 then, F32 otherwise) {
    return f32("selp.f32 %s, %s, %s, %s", then.text(), otherwise.text(), condition.text());
  }

  /** The first where the condition holds, the second elsewhere. */
  public B32 select(Pred condition, B32 then, B32 otherwise) {
    return b32("selp.b32 %s, %s, %s, %s", then.text(), otherwise.text(), condition.text());
  }

  // ---- forms

  final F32 f32(String format, Object... operands) {
    String register = listing.temporary(".f32", 'f');
    emit(register, format, operands);
    return new F32(register);
  }

  final B32 b32(String format, Object... operands) {
    String register = listing.temporary(".b32", 'r');
    emit(register, format, operands);
    return new B32(register);
  }

  final B64 b64(String format, Object... operands) {
    String register = listing.temporary(".b64", 'd');
    emit(register, format, operands);
    return new B64(register);
  }

  private Pred pred(String format, Operand a, Operand b) {
    String register = listing.temporary(".pred", 'p');
    emit(register, format, a.text(), b.text());
    return new Pred(register);
  }

  private void emit(String register, String format, Object... operands) {
    Object[] all = new Object[operands.length + 1];
    all[0] = register;
    System.arraycopy(operands, 0, all, 1, operands.length);
    listing.instruction(format, all);
  }
}
