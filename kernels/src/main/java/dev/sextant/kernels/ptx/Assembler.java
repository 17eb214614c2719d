package dev.sextant.kernels.ptx;

import dev.sextant.kernels.ptx.Operand.B32;
import dev.sextant.kernels.ptx.Operand.B64;
import dev.sextant.kernels.ptx.Operand.F32;
import dev.sextant.kernels.ptx.Operand.Pred;
import dev.sextant.kernels.ptx.Parameter.Type;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.function.Supplier;

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
 *   F32 value = k.load(k.element(x, i), 0, 1, false)[0];
 *   k.store(k.element(out, i), 0, k.add(value, value));
 * });
 * Kernel kernel = k.assemble();
 * }</pre>
 *
 * <p>Methods that compute return a register of their own; a {@code variable} is a register that is
 * assigned again. Not thread-safe.
 */
public final class Assembler extends Instructions {
  /** PTX 7.0 (CUDA 11) holds all that is used here; newer drivers read it. */
  private static final String HEADER = ".version 7.0\n.target sm_70\n.address_size 64\n\n";

  private final String name;
  private final String purpose;
  private final int maxThreads;
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

  // ---- where this thread is

  /** A special register, such as {@code %tid.x} or {@code %laneid}. */
  public B32 special(String register) {
    return b32("mov.u32 %s, %s", register);
  }

  /** blockIdx.x blockDim.x + threadIdx.x. */
  public B32 globalThread() {
    return multiplyAdd(special("%ctaid.x"), special("%ntid.x"), special("%tid.x"));
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
    listing.comment(String.format(Locale.ROOT, "for %s below %s", variable, end.text()));
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
  public void loopWhile(String why, Supplier<Pred> condition, Runnable body) {
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
