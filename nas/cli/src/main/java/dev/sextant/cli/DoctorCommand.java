package dev.sextant.cli;

import dev.sextant.tensor.Backend;
import dev.sextant.tensor.BackendProvider;
import dev.sextant.tensor.Backends;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import dev.sextant.tensor.VectorUnit;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.ServiceLoader;
import picocli.CommandLine.Command;

/** {@code sextant doctor}. */
@Command(
    name = "doctor",
    mixinStandardHelpOptions = true,
    description =
        "Says what of this machine can be used, what is missing, and what to do about it.")
final class DoctorCommand implements Runnable {
  /** Fits the second-level cache of every server core: compute alone is timed, not memory. */
  private static final int SIZE = 192;

  private static final long NANOS = 1_500_000_000L;

  /**
   * GF/s for each lane of a vector. One fused multiply-add a cycle is 2 flops a lane: 4 GF/s at 2
   * GHz, twice that where there are two units. Kernels whose vectors the JIT compiler left as
   * objects on the heap stay below 0.1.
   */
  private static final double WELL_COMPILED = 1;

  @Override
  public void run() {
    OptionalInt bits = VectorUnit.bits();
    line("java", "%s (%s), %s", property("java.version"), property("java.vm.name"), vendor());
    line("system", "%s %s", property("os.name"), property("os.arch"));
    line("processors", "%d", Runtime.getRuntime().availableProcessors());
    line(
        "heap",
        "%s at most (SEXTANT_OPTS=-Xmx8g gives another limit)",
        Memory.human(Runtime.getRuntime().maxMemory()));
    if (bits.isPresent()) {
      line(
          "vectors",
          "%d bits, %d floats: %s",
          bits.getAsInt(),
          bits.getAsInt() / Float.SIZE,
          VectorUnit.reason());
    } else {
      line(
          "vectors",
          "none: the module jdk.incubator.vector is off, and kernels run as slow scalar code; start"
              + " with ./sextant, or give java --add-modules jdk.incubator.vector");
    }
    gemm(bits);
    devices();
  }

  private static void gemm(OptionalInt bits) {
    double rate = gemmRate();
    if (bits.isEmpty()) {
      line("gemm", "%.2f GF/s on one thread, of scalar code", rate);
      return;
    }
    double perLane = rate / (bits.getAsInt() / Float.SIZE);
    line(
        "gemm",
        "%.1f GF/s on one thread, %.1f a lane: %s",
        rate,
        perLane,
        perLane >= WELL_COMPILED
            ? "the JIT compiled the kernels well"
            : "too slow; another program took the processor (try again), or the JIT did not compile"
                + " the vectors (is C2 off, by -Xint or -XX:TieredStopAtLevel?)");
  }

  /**
   * The best of the products of two square matrices, in 10^9 floating-point operations a second.
   */
  private static double gemmRate() {
    try (Backend backend = Backends.open(Device.CPU, 1);
        Memory.Scope _ = backend.memory().scope()) {
      Memory memory = backend.memory();
      Shape shape = Shape.of(SIZE, SIZE);
      Tensor a = memory.zeros(shape, Memory.Category.WORKSPACE, "a");
      Tensor b = memory.zeros(shape, Memory.Category.WORKSPACE, "b");
      Tensor c = memory.zeros(shape, Memory.Category.WORKSPACE, "c");
      backend.elementwise().fill(a, 0.5f);
      backend.elementwise().fill(b, 0.25f);
      long best = Long.MAX_VALUE;
      long start = System.nanoTime();
      long before = start;
      while (before - start < NANOS) {
        backend.gemm().multiply(a, false, b, false, c, false);
        long after = System.nanoTime();
        best = Math.min(best, after - before);
        before = after;
      }
      return 2.0 * SIZE * SIZE * SIZE / best;
    }
  }

  private static void devices() {
    line("device cpu", "ready");
    for (BackendProvider provider : ServiceLoader.load(BackendProvider.class)) {
      Device device = new Device(provider.kind(), 0);
      try (Backend backend = provider.open(device, 1)) {
        line("device " + device, "ready (%s)", backend.description());
      } catch (SextantException e) {
        line("device " + device, "not available: %s", String.valueOf(e.getMessage()));
      }
      for (String found : provider.report()) {
        line("", "%s", found);
      }
    }
  }

  private static String vendor() {
    return property("java.vendor") + ", " + property("java.home");
  }

  private static String property(String name) {
    return System.getProperty(name, "unknown");
  }

  private static void line(String what, String format, Object... values) {
    System.out.printf(Locale.ROOT, "%-12s%s%n", what, String.format(Locale.ROOT, format, values));
  }
}
