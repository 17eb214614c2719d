package dev.sextant.kernels.emulator;

import dev.sextant.kernels.ptx.Kernel;
import dev.sextant.kernels.ptx.Parameter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A device below a driver: it knows kernels by their text, parameters by their bytes, and memory by
 * its addresses, wherever that lies. Kernels may touch whatever is allocated. One call at a time.
 */
public final class PtxDevice {
  private static final Pattern ENTRY = Pattern.compile("\\.visible \\.entry (\\w+)\\(");
  private static final Pattern PARAMETER = Pattern.compile("\\.param (\\.\\w+) (\\w+)");
  private static final Pattern MOST_THREADS = Pattern.compile("\\.maxntid (\\d+), 1, 1");

  private record Loaded(Kernel kernel, Program program, List<Warp> warps) {}

  private final DeviceMemory memory = new DeviceMemory(Long.MAX_VALUE);
  private final List<Loaded> loaded = new ArrayList<>();

  /** With nothing allocated. */
  public PtxDevice() {}

  /** Memory that there is from now on, in native order. */
  public void allocated(long address, ByteBuffer bytes) {
    memory.adopt(address, bytes.order(ByteOrder.nativeOrder()).asIntBuffer());
  }

  /** Memory that there was. */
  public void freed(long address) {
    memory.free(address);
  }

  /**
   * Assembles a module of one kernel.
   *
   * @return its number, from 0
   * @throws EmulationException if it is not what the interpreter knows of PTX
   */
  public int load(String ptx) {
    Kernel kernel = kernel(ptx);
    loaded.add(new Loaded(kernel, ProgramParser.parse(kernel), new ArrayList<>()));
    return loaded.size() - 1;
  }

  /** A kernel as its text declares it. */
  private static Kernel kernel(String ptx) {
    Matcher entry = ENTRY.matcher(ptx);
    Matcher threads = MOST_THREADS.matcher(ptx);
    if (!entry.find() || !threads.find()) {
      throw new EmulationException("no entry, or not how many threads it may have");
    }
    List<Parameter> parameters = new ArrayList<>();
    Matcher parameter = PARAMETER.matcher(ptx).region(entry.end(), threads.start());
    while (parameter.find()) {
      Parameter.Type type =
          Arrays.stream(Parameter.Type.values())
              .filter(t -> t.suffix().equals(parameter.group(1)))
              .findFirst()
              .orElseThrow(() -> new EmulationException("parameter " + parameter.group()));
      parameters.add(new Parameter(parameter.group(2), type, ""));
    }
    return new Kernel(entry.group(1), parameters, Integer.parseInt(threads.group(1)), ptx);
  }

  /** A kernel that was loaded. */
  public Kernel kernel(int number) {
    return loaded.get(number).kernel;
  }

  /**
   * Runs a kernel.
   *
   * @param shape blocks in x, y and z, threads of a block in x and y
   * @throws EmulationException if it does what a GPU would not forgive, or must not do
   */
  public void launch(int number, int[] shape, ByteBuffer parameters) {
    Loaded kernel = loaded.get(number);
    Invocation invocation =
        new Invocation(
            shape[0],
            shape[1],
            shape[2],
            shape[3],
            shape[4],
            parameters.order(ByteOrder.nativeOrder()),
            GlobalAccess.all(memory));
    new Execution(invocation, kernel.program, kernel.warps, memory.launch()).run();
  }
}
