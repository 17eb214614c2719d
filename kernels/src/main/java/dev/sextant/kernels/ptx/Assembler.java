package dev.sextant.kernels.ptx;

import dev.sextant.kernels.ptx.Operand.B32;
import dev.sextant.kernels.ptx.Operand.B64;
import dev.sextant.kernels.ptx.Operand.F32;
import dev.sextant.kernels.ptx.Operand.Pred;
import dev.sextant.kernels.ptx.Parameter.Type;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Writes one kernel as PTX that can be read: typed operands, structured control flow as lambdas,
 * named variables, and comments carried into the text.
 *
 * <pre>{@code
 * Assembler k = new Assembler("twice", "out = 2 x", 256);
 * B64 x = k.pointer("x", "input");
 * B64 out = k.pointer("out", "output");
 * B32 size = k.integer("size", "elements");
 * B32 i = k.globalThread();
 * k.when("an element is left", k.less(i, size), () -> {
 *   F32 value = k.load(k.element(x, i), 0);
 *   k.store(k.element(out, i), 0, k.add(value, value));
 * });
 * Kernel kernel = k.assemble();
 * }</pre>
 *
 * <p>Methods that compute return a register of their own; a {@code variable} is a register that is
 * assigned again. Float arithmetic is rounded to nearest and never contracted by the driver's
 * compiler (a fused multiply-add is asked for by name), so that a result does not depend on who
 * compiles. Not thread-safe.
 */
public final class Assembler {
  /** PTX 7.0 (CUDA 11) holds all that is used here; newer drivers read it. */
  private static final String HEADER = ".version 7.0\n.target sm_70\n.address_size 64\n\n";

  private final String name;
  private final String purpose;
  private final int maxThreads;
  private final Listing listing = new Listing();
  private final List<Parameter> parameters = new ArrayList<>();

  /**
   * Begins a kernel.
   *
   * @param name of its entry point
   * @param purpose one sentence for the reader of the PTX
   * @param maxThreads the most threads a block may have: bounds the registers of a thread
   */
  public Assembler(String name, String purpose, int maxThreads) {
    this.name = name;
    this.purpose = purpose;
    this.maxThreads = maxThreads;
  }

  // ---- parameters, each loaded into a variable of its name

  /** The address of floats or integers in global memory. */
  public B64 pointer(String parameter, String meaning) {
    String register = parameter(parameter, Type.POINTER, ".b64", meaning);
    listing.instruction("cvta.to.global.u64 %s, %s", register, register);
    return new B64(register);
  }

  /** A signed integer. */
  public B32 integer(String parameter, String meaning) {
    return new B32(parameter(parameter, Type.INTEGER, ".b32", meaning));
  }

  /** A float. */
  public F32 number(String parameter, String meaning) {
    return new F32(parameter(parameter, Type.NUMBER, ".f32", meaning));
  }

  private String parameter(String parameter, Type type, String registerType, String meaning) {
    parameters.add(new Parameter(parameter, type, meaning));
    String register = listing.variable(registerType, parameter);
    listing.instruction("ld.param%s %s, [%s]", type.suffix(), register, parameter);
    return register;
  }

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

  // ---- where this thread is

  /** A special register, such as {@code %tid.x} or {@code %laneid}. */
  public B32 special(String register) {
    return b32("mov.u32 %s, %s", register);
  }

  /** blockIdx.x blockDim.x + threadIdx.x. */
  public B32 globalThread() {
    return multiplyAdd(special("%ctaid.x"), special("%ntid.x"), special("%tid.x"));
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

  /** The smaller; the other one if one is not a number. */
  public F32 min(F32 a, F32 b) {
    return f32("min.f32 %s, %s, %s", a.text(), b.text());
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

  /** a < b. */
  public Pred less(B32 a, B32 b) {
    return pred("setp.lt.s32 %s, %s, %s", a, b);
  }

  /** 0 <= a < b, in one comparison of unsigned numbers, for b of at least 0. */
  public Pred within(B32 a, B32 b) {
    return pred("setp.lt.u32 %s, %s, %s", a, b);
  }

  /** a == b. */
  public Pred equal(B32 a, B32 b) {
    return pred("setp.eq.s32 %s, %s, %s", a, b);
  }

  /** a < b; false if one is not a number. */
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

  // ---- memory

  /**
   * Loads consecutive floats from global memory: one transaction of a thread.
   *
   * @param into 1, 2 or 4 registers; the address must be aligned to all of them
   * @param constant whether no thread writes there while the kernel runs: lets the load go through
   *     the read-only path
   */
  public void load(F32[] into, B64 address, int byteOffset, boolean constant) {
    listing.instruction(
        "ld.global%s%s.f32 %s, %s",
        constant ? ".nc" : "", vector(into), list(into), at(address.text(), byteOffset));
  }

  /** Loads consecutive floats that another thread may not write meanwhile; see the other. */
  public F32[] load(B64 address, int byteOffset, int width, boolean constant) {
    F32[] registers = registers(width);
    load(registers, address, byteOffset, constant);
    return registers;
  }

  /** Loads an integer from global memory. */
  public B32 loadInteger(B64 address) {
    return b32("ld.global.b32 %s, %s", at(address.text(), 0));
  }

  /** Stores consecutive floats to global memory; the address must be aligned to all of them. */
  public void store(B64 address, int byteOffset, F32... values) {
    listing.instruction(
        "st.global%s.f32 %s, %s", vector(values), at(address.text(), byteOffset), list(values));
  }

  /** Stores an integer to global memory. */
  public void storeInteger(B64 address, B32 value) {
    listing.instruction("st.global.b32 %s, %s", at(address.text(), 0), value.text());
  }

  /**
   * Declares an array in the shared memory of the block; returns its address.
   *
   * @param what a phrase for the reader of the PTX
   */
  public B32 shared(String array, int bytes, String what) {
    listing.shared(array, bytes, what);
    return b32("mov.u32 %s, %s", array);
  }

  /** Loads consecutive floats from shared memory. */
  public F32[] loadShared(B32 address, int byteOffset, int width) {
    F32[] registers = registers(width);
    listing.instruction(
        "ld.shared%s.f32 %s, %s",
        vector(registers), list(registers), at(address.text(), byteOffset));
    return registers;
  }

  /** Stores consecutive floats to shared memory. */
  public void storeShared(B32 address, int byteOffset, F32... values) {
    listing.instruction(
        "st.shared%s.f32 %s, %s", vector(values), at(address.text(), byteOffset), list(values));
  }

  /** Float registers without values. */
  public F32[] registers(int count) {
    F32[] registers = new F32[count];
    for (int i = 0; i < count; i++) {
      registers[i] = new F32(listing.temporary(".f32", 'f'));
    }
    return registers;
  }

  // ---- threads together

  /** No thread of the block goes on until all have come here. */
  public void barrier() {
    if (listing.isGuarded()) {
      throw new IllegalStateException(name + ": a barrier under a predicate");
    }
    listing.instruction("bar.sync 0");
  }

  /** The value of the lane whose number differs in those bits; all 32 lanes must come here. */
  public F32 exchange(F32 value, int laneBits) {
    return f32("shfl.sync.bfly.b32 %s, %s, %d, 31, -1", value.text(), laneBits);
  }

  /** The value of the lane whose number differs in those bits; all 32 lanes must come here. */
  public B32 exchange(B32 value, int laneBits) {
    return b32("shfl.sync.bfly.b32 %s, %s, %d, 31, -1", value.text(), laneBits);
  }

  // ---- control flow

  /** The body, for threads that meet the condition; others jump over it. */
  public void when(String why, Pred condition, Runnable body) {
    String end = listing.label("end");
    listing.comment("if " + why);
    listing.instruction("@!%s bra %s", condition.text(), end);
    listing.nest(1);
    body.run();
    listing.nest(-1);
    listing.place(end);
  }

  /** Each instruction of the body, where the condition holds; for a few without a branch. */
  public void under(Pred condition, Runnable body) {
    if (listing.isGuarded()) {
      throw new IllegalStateException(name + ": predicates do not nest");
    }
    listing.guard(condition.text());
    body.run();
    listing.guard("");
  }

  /** The body for a variable from a start, while it is below an end, by a step. */
  public void loop(String variable, B32 from, B32 end, B32 step, Consumer<B32> body) {
    B32 i = variable(variable, from);
    String again = listing.label("loop");
    String done = listing.label("done");
    listing.comment("for %s below %s".formatted(variable, end.text()));
    listing.place(again);
    listing.instruction("@!%s bra %s", less(i, end).text(), done);
    listing.nest(1);
    body.accept(i);
    addTo(i, i, step);
    listing.nest(-1);
    listing.instruction("bra %s", again);
    listing.place(done);
  }

  /** The body again and again while a condition, computed anew each time, holds. */
  public void loopWhile(String why, java.util.function.Supplier<Pred> condition, Runnable body) {
    String again = listing.label("loop");
    String done = listing.label("done");
    listing.comment("while " + why);
    listing.place(again);
    listing.instruction("@!%s bra %s", condition.get().text(), done);
    listing.nest(1);
    body.run();
    listing.nest(-1);
    listing.instruction("bra %s", again);
    listing.place(done);
  }

  /** A line for the reader of the PTX. */
  public void comment(String text) {
    listing.comment(text);
  }

  /** The finished kernel. */
  public Kernel assemble() {
    listing.instruction("ret");
    StringBuilder text = new StringBuilder();
    text.append("// ").append(name).append(": ").append(purpose).append('\n').append(HEADER);
    text.append(".visible .entry ").append(name).append("(\n");
    for (int i = 0; i < parameters.size(); i++) {
      Parameter parameter = parameters.get(i);
      text.append("    .param ").append(parameter.type().suffix()).append(' ');
      text.append(parameter.name()).append(i < parameters.size() - 1 ? "," : "");
      text.append(" // ").append(parameter.meaning()).append('\n');
    }
    text.append(")\n.maxntid ").append(maxThreads).append(", 1, 1\n{\n");
    text.append(listing.text()).append("}\n");
    return new Kernel(name, parameters, maxThreads, text.toString());
  }

  // ---- forms

  private F32 f32(String format, Object... operands) {
    String register = listing.temporary(".f32", 'f');
    emit(register, format, operands);
    return new F32(register);
  }

  private B32 b32(String format, Object... operands) {
    String register = listing.temporary(".b32", 'r');
    emit(register, format, operands);
    return new B32(register);
  }

  private B64 b64(String format, Object... operands) {
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

  private static String vector(F32[] registers) {
    return switch (registers.length) {
      case 1 -> "";
      case 2 -> ".v2";
      case 4 -> ".v4";
      default -> throw new IllegalArgumentException("no vector of " + registers.length);
    };
  }

  private static String list(F32[] registers) {
    if (registers.length == 1) {
      return registers[0].text();
    }
    StringBuilder list = new StringBuilder("{");
    for (F32 register : registers) {
      list.append(list.length() == 1 ? "" : ", ").append(register.text());
    }
    return list.append('}').toString();
  }

  private static String at(String address, int byteOffset) {
    return "[" + address + (byteOffset == 0 ? "" : "+" + byteOffset) + "]";
  }
}
