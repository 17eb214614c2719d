package dev.sextant.kernels.standin;

import dev.sextant.kernels.emulator.EmulationException;
import dev.sextant.kernels.emulator.PtxDevice;
import dev.sextant.kernels.ptx.Kernel;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * The half of the stand-in driver that lies in the JVM: {@code libcuda.so.1} calls it to assemble
 * and run kernels. Once installed it serves the process.
 */
public final class StandIn {
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
  private static final FunctionDescriptor MEMORY =
      FunctionDescriptor.ofVoid(ValueLayout.ADDRESS, LONG);
  private static final FunctionDescriptor LOAD =
      FunctionDescriptor.of(
          INT,
          ValueLayout.ADDRESS,
          ValueLayout.ADDRESS,
          ValueLayout.ADDRESS,
          ValueLayout.ADDRESS,
          ValueLayout.ADDRESS,
          LONG);
  private static final FunctionDescriptor LAUNCH =
      FunctionDescriptor.of(INT, INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS);
  private static final int ILLEGAL_ADDRESS = 700;

  private final PtxDevice device = new PtxDevice();
  private final MethodHandle set;
  private final MethodHandle complaints;
  private final MethodHandle held;
  private volatile String refused = "";
  private volatile int launches;

  /** Installs it in the stand-in of a folder. */
  @SuppressWarnings("restricted") // what this class is for
  StandIn(Path folder) throws ReflectiveOperationException {
    Linker linker = Linker.nativeLinker();
    SymbolLookup driver =
        SymbolLookup.libraryLookup(folder.resolve("libcuda.so.1"), Arena.global());
    set =
        linker.downcallHandle(
            driver.findOrThrow("standin_set"),
            FunctionDescriptor.of(INT, ValueLayout.ADDRESS, LONG));
    complaints =
        linker.downcallHandle(driver.findOrThrow("standin_complaints"), FunctionDescriptor.of(INT));
    held = linker.downcallHandle(driver.findOrThrow("standin_held"), FunctionDescriptor.of(LONG));
    MethodHandle install =
        linker.downcallHandle(
            driver.findOrThrow("standin_install"),
            FunctionDescriptor.ofVoid(
                ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.ADDRESS));
    invoke(
        install,
        upcall(linker, "memory", MEMORY),
        upcall(linker, "load", LOAD),
        upcall(linker, "launch", LAUNCH));
  }

  @SuppressWarnings("restricted")
  private MemorySegment upcall(Linker linker, String method, FunctionDescriptor descriptor)
      throws ReflectiveOperationException {
    MethodType type = descriptor.toMethodType();
    MethodHandle handle = MethodHandles.lookup().bind(this, method, type);
    return linker.upcallStub(handle, descriptor, Arena.global());
  }

  private static Object invoke(MethodHandle handle, Object... arguments) {
    try {
      return handle.invokeWithArguments(arguments);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  /** Changes what the device is, or what goes wrong on it: see {@code standin_set}. */
  void set(String name, long value) {
    try (Arena arena = Arena.ofConfined()) {
      if ((int) invoke(set, arena.allocateFrom(name), value) == 0) {
        throw new IllegalArgumentException(name);
      }
    }
  }

  /** Refuses a kernel as the driver's assembler would. */
  void refuse(String kernel) {
    refused = kernel;
  }

  /** How often a rule was broken so far; each was written to the standard error. */
  int complaints() {
    return (int) invoke(complaints);
  }

  /** Bytes of device and page-locked memory that are allocated. */
  long held() {
    return (long) invoke(held);
  }

  /** How many kernels ran. */
  int launches() {
    return launches;
  }

  // ---- called by the stand-in; nothing may be thrown into C

  @SuppressWarnings({"restricted", "UnusedMethod"})
  private void memory(MemorySegment start, long bytes) {
    if (bytes == 0) {
      device.freed(start.address());
    } else {
      // Whole words, of which the stand-in has allocated as many.
      device.allocated(start.address(), start.reinterpret((bytes + 3) / 4 * 4).asByteBuffer());
    }
  }

  @SuppressWarnings({"restricted", "UnusedMethod"})
  private int load(
      MemorySegment ptx,
      MemorySegment parameters,
      MemorySegment sizes,
      MemorySegment threads,
      MemorySegment log,
      long logBytes) {
    try {
      int number = device.load(ptx.reinterpret(Long.MAX_VALUE).getString(0));
      Kernel kernel = device.kernel(number);
      if (kernel.name().equals(refused)) {
        throw new EmulationException("ptxas application ptx input, line 7; error : as was asked");
      }
      int count = kernel.parameters().size();
      parameters.reinterpret(4).set(INT, 0, count);
      threads.reinterpret(4).set(INT, 0, kernel.maxThreads());
      for (int i = 0; i < count; i++) {
        sizes.reinterpret(4L * count).setAtIndex(INT, i, kernel.parameters().get(i).type().bytes());
      }
      return number;
    } catch (RuntimeException e) {
      byte[] said = (e.getMessage() + "\0").getBytes(StandardCharsets.UTF_8);
      if (said.length <= logBytes) {
        MemorySegment.copy(
            said, 0, log.reinterpret(logBytes), ValueLayout.JAVA_BYTE, 0, said.length);
      }
      return -1;
    }
  }

  @SuppressWarnings({"restricted", "UnusedMethod"})
  private int launch(int kernel, MemorySegment shape, MemorySegment parameters) {
    try {
      int bytes = device.kernel(kernel).parameterBytes();
      device.launch(
          kernel, shape.reinterpret(20).toArray(INT), parameters.reinterpret(bytes).asByteBuffer());
      launches++;
      return 0;
    } catch (RuntimeException e) {
      e.printStackTrace();
      return ILLEGAL_ADDRESS;
    }
  }
}
