package dev.sextant.kernels.emulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.kernels.channels.ChannelReduction;
import dev.sextant.kernels.channels.ChannelReduction.Pass;
import dev.sextant.kernels.channels.ChannelReduction.Quantity;
import dev.sextant.kernels.depthwise.DepthwiseKernel;
import dev.sextant.kernels.driver.Launch;
import dev.sextant.kernels.elementwise.ElementwiseKernel;
import dev.sextant.kernels.elementwise.ElementwiseKernel.Operation;
import dev.sextant.kernels.loss.CrossEntropy;
import dev.sextant.kernels.ptx.Kernel;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Window;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * The emulator notices when a kernel is wrong: each test runs a kernel as it is, then with one
 * mistake put into its text.
 */
class EmulatorMutationTest {
  private static final int SIZE = 301;

  private final EmulatedDriver driver = new EmulatedDriver(1 << 24);

  private static Kernel mutated(Kernel kernel, String from, String to) {
    assertTrue(kernel.text().contains(from), () -> "nothing to mutate in\n" + kernel.text());
    String text = kernel.text().replaceFirst(Pattern.quote(from), Matcher.quoteReplacement(to));
    assertNotEquals(kernel.text(), text);
    return new Kernel(kernel.name(), kernel.parameters(), kernel.maxThreads(), text);
  }

  private long floats(int size) {
    long address = driver.allocate(4L * size);
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = i % 7 - 3f;
    }
    driver.upload(values, 0, size, address);
    return address;
  }

  private static void message(Runnable call, String... parts) {
    EmulationException error = assertThrows(EmulationException.class, call::run);
    for (String part : parts) {
      assertTrue(
          String.valueOf(error.getMessage()).contains(part),
          () -> part + " in " + error.getMessage());
    }
  }

  // ---- an off-by-one

  private void scale(Kernel kernel) {
    long x = floats(SIZE);
    long out = floats(SIZE);
    new Launch(driver, kernel)
        .pointer(x, 4 * SIZE)
        .pointer(out, 4 * SIZE)
        .number(2)
        .integer(SIZE)
        .grid(2, 1, 1)
        .block(256, 1)
        .run();
    float[] values = new float[SIZE];
    driver.download(out, values, 0, SIZE);
    for (int i = 0; i < SIZE; i++) {
      assertEquals(2 * (i % 7 - 3f), values[i]);
    }
  }

  @Test
  void offByOneIsFoundAtTheAddress() {
    Kernel kernel = new ElementwiseKernel(Operation.SCALE, 1).assemble();
    scale(kernel);
    Kernel wrong = mutated(kernel, "ld.global.f32 %f0, [%d0]", "ld.global.f32 %f0, [%d0+4]");
    message(() -> scale(wrong), "scale_v1, line", "thread 44", "0 bytes past the end of pointer 0");
  }

  @Test
  void misalignedVectorIsFound() {
    Kernel kernel = new ElementwiseKernel(Operation.SCALE, 4).assemble();
    long x = floats(64);
    Launch launch = new Launch(driver, kernel);
    launch.pointer(x + 4, 16).pointer(x + 128, 16).number(2).integer(4).block(1, 1);
    message(launch::run, "ld.global.v4.f32", "not aligned to 16 bytes");
  }

  // ---- a missing barrier

  private float[] sum(Kernel kernel) {
    long x = floats(64 * 4);
    long out = floats(4);
    new Launch(driver, kernel)
        .pointer(x, 64 * 16)
        .pointer(out, 16)
        .number(1)
        .integer(64)
        .integer(64)
        .integer(4)
        .block(1, 64)
        .run();
    float[] sums = new float[4];
    driver.download(out, sums, 0, 4);
    return sums;
  }

  @Test
  void missingBarrierIsARace() {
    Kernel kernel =
        new ChannelReduction(Quantity.SUM, Pass.WHOLE, Activation.IDENTITY, 4).assemble();
    float[] expected = new float[4];
    for (int i = 0; i < 256; i++) {
      expected[i % 4] += i % 7 - 3f;
    }
    assertEquals(Arrays.toString(expected), Arrays.toString(sum(kernel)));
    message(
        () -> sum(mutated(kernel, "bar.sync 0;", "")),
        "shared memory is read before it is written");
    // Without the second one a lane reads what its partner has not yet added up.
    int second = kernel.text().lastIndexOf("bar.sync 0;");
    Kernel wrong =
        new Kernel(
            kernel.name(),
            kernel.parameters(),
            kernel.maxThreads(),
            kernel.text().substring(0, second) + kernel.text().substring(second + 11));
    message(() -> sum(wrong), "without a barrier between");
  }

  @Test
  void barrierThatOnlySomeThreadsReachIsFound() {
    Kernel kernel =
        new ChannelReduction(Quantity.SUM, Pass.WHOLE, Activation.IDENTITY, 4).assemble();
    String text = kernel.text();
    int branch = text.indexOf(";", text.indexOf("// if this lane has a partner")) + 1;
    String inside = text.substring(0, branch) + "\n    bar.sync 0;" + text.substring(branch);
    Kernel wrong = new Kernel(kernel.name(), kernel.parameters(), kernel.maxThreads(), inside);
    message(() -> sum(wrong), "a barrier that");
  }

  // ---- a wrong predicate

  private float[] depthwise(Kernel kernel) {
    long x = floats(5 * 5 * 4);
    long w = floats(9 * 4);
    long out = floats(5 * 5 * 4);
    int[] extents = {4, 5, 5, 5, 5, 3, 2, 6};
    Launch launch = new Launch(driver, kernel);
    launch.pointer(x, 400).pointer(w, 144).pointer(out, 400);
    for (int extent : extents) {
      launch.integer(extent);
    }
    launch.block(1, 6).run();
    float[] result = new float[100];
    driver.download(out, result, 0, 100);
    return result;
  }

  /** Every load in turn is made where it must not be: a fault, or another result. */
  @Test
  void wrongPredicatesAreFound() {
    Kernel kernel =
        DepthwiseKernel.plain(Window.same(3, 1), false, false, Activation.IDENTITY, 4).assemble();
    float[] right = depthwise(kernel);
    Matcher load = Pattern.compile("@(%p\\d+) (?=ld\\.global\\.nc)").matcher(kernel.text());
    int mutants = 0;
    int faults = 0;
    while (load.find()) {
      String text = kernel.text();
      String inverted =
          text.substring(0, load.start()) + "@!" + load.group(1) + " " + text.substring(load.end());
      Kernel wrong = new Kernel(kernel.name(), kernel.parameters(), kernel.maxThreads(), inverted);
      mutants++;
      try {
        assertFalse(Arrays.equals(right, depthwise(wrong)), "survives: mutant " + mutants);
      } catch (EmulationException fault) {
        assertTrue(String.valueOf(fault.getMessage()).contains("outside what the launch"));
        faults++;
      }
    }
    // Four source rows of six columns; those at the ends of the array fault.
    assertEquals(24, mutants);
    assertTrue(faults > 0, "no mutant faults");
  }

  // ---- what else a GPU would not say

  @Test
  void registerReadBeforeItIsWritten() {
    Kernel kernel = new ElementwiseKernel(Operation.SCALE, 1).assemble();
    message(
        () ->
            scale(mutated(kernel, "mul.rn.f32 %f1, %f0, %factor", "mul.rn.f32 %f1, %f1, %factor")),
        "a register is read before it is written");
  }

  @Test
  void readOnlyLoadOfWhatIsWritten() {
    Kernel kernel = new ElementwiseKernel(Operation.COPY, 1).assemble();
    Kernel wrong = mutated(kernel, "ld.global.f32", "ld.global.nc.f32");
    long x = floats(64);
    Launch launch = new Launch(driver, wrong);
    launch.pointer(x, 256).pointer(x, 256).integer(64).block(64, 1);
    message(launch::run, "st.global.f32", "read-only");
  }

  @Test
  void writesOfTwoBlocksToOneElement() {
    Kernel kernel = new ElementwiseKernel(Operation.SCALE, 1).assemble();
    message(
        () -> scale(mutated(kernel, "mov.u32 %r0, %ctaid.x", "mov.b32 %r0, 0")),
        "write over what thread 0 of block 0 wrote");
  }

  @Test
  void exchangeInADivergedWarp() {
    Kernel kernel = new CrossEntropy(CrossEntropy.Mode.LOSS).assemble();
    long logits = floats(64);
    long labels = driver.allocate(4);
    driver.upload(new int[] {1}, 0, 1, labels);
    Launch launch = new Launch(driver, kernel);
    launch.pointer(logits, 160).pointer(labels, 4).pointer(floats(1), 4);
    launch.integer(1).integer(40).number(1).number(0).number(1).block(31, 1);
    message(launch::run, "not all lanes of the warp reach");
  }

  @Test
  void unknownInstructionsAndEndlessLoops() {
    Kernel kernel = new ElementwiseKernel(Operation.SCALE, 1).assemble();
    message(() -> scale(mutated(kernel, "mul.rn.f32", "mul.rz.f32")), "instruction not known");
    message(
        () -> scale(mutated(kernel, "mul.rn.f32 %f1, %f0", "mul.rn.f32 %f1, %r0")),
        "type B, not F");
    message(() -> scale(mutated(kernel, "    ret;", "$again:\n    bra $again;")), "does not end");
    message(() -> scale(mutated(kernel, "bra $end;", "bra $nowhere;")), "no label $nowhere");
  }
}
