package dev.sextant.kernels.driver;

import dev.sextant.kernels.ptx.Kernel;
import dev.sextant.kernels.ptx.Parameter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Locale;

/**
 * A loaded kernel and how to run it: grid, block, and the parameter block, made once for a kernel
 * and filled in place for each launch. Confined to one thread, as is its driver.
 *
 * <pre>{@code
 * launch.grid(blocks, 1, 1).block(256, 1).pointer(x, bytes).integer(n).run();
 * }</pre>
 */
public final class Launch {
  private final Driver driver;
  private final Kernel kernel;
  private final int[] offsets;
  private final ByteBuffer parameters;
  private final long[] extents;
  private final Driver.Function function;
  private int gridX = 1;
  private int gridY = 1;
  private int gridZ = 1;
  private int blockX = 1;
  private int blockY = 1;
  private int next;
  private long[] reached = new long[0];
  private int reachedCount;

  /** Loads a kernel. */
  public Launch(Driver driver, Kernel kernel) {
    this.driver = driver;
    this.kernel = kernel;
    this.offsets = kernel.parameterOffsets();
    this.extents = new long[offsets.length];
    this.parameters =
        ByteBuffer.allocateDirect(Math.max(8, kernel.parameterBytes()))
            .order(ByteOrder.nativeOrder());
    this.function = driver.load(kernel, parameters);
  }

  private Launch(Launch other) {
    driver = other.driver;
    kernel = other.kernel;
    offsets = other.offsets;
    extents = other.extents.clone();
    parameters =
        ByteBuffer.allocateDirect(other.parameters.capacity()).order(ByteOrder.nativeOrder());
    parameters.put(0, other.parameters, 0, parameters.capacity());
    function = other.function;
    gridX = other.gridX;
    gridY = other.gridY;
    gridZ = other.gridZ;
    blockX = other.blockX;
    blockY = other.blockY;
    reached = other.reached();
    reachedCount = other.reachedCount;
  }

  /** The launch as it is now, for a driver that keeps it: later launches do not change it. */
  public Launch snapshot() {
    return new Launch(this);
  }

  /** Blocks in each direction; x may be large, y and z up to 65535. */
  public Launch grid(int x, int y, int z) {
    if (x < 1 || y < 1 || z < 1 || y > 65535 || z > 65535) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "%s: no grid of %d x %d x %d blocks", kernel.name(), x, y, z));
    }
    gridX = x;
    gridY = y;
    gridZ = z;
    return this;
  }

  /** Threads of a block in each direction. */
  public Launch block(int x, int y) {
    if (x < 1 || y < 1 || x * y > kernel.maxThreads()) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "%s: no block of %d x %d threads", kernel.name(), x, y));
    }
    blockX = x;
    blockY = y;
    return this;
  }

  /**
   * Gives the next parameter, an address.
   *
   * @param bytes how many of them the kernel may touch: an emulator checks it
   */
  public Launch pointer(long address, long bytes) {
    int offset = offset(Parameter.Type.POINTER);
    extents[next - 1] = bytes;
    parameters.putLong(offset, address);
    return this;
  }

  /**
   * Says that the kernel may touch bytes whose address it finds in memory: an emulator checks it.
   */
  public Launch reaches(long address, long bytes) {
    if (reached.length < 2 * reachedCount + 2) {
      reached = Arrays.copyOf(reached, Math.max(64, 2 * reached.length));
    }
    reached[2 * reachedCount] = address;
    reached[2 * reachedCount + 1] = bytes;
    reachedCount++;
    return this;
  }

  /** Gives the next parameter, an integer. */
  public Launch integer(int value) {
    parameters.putInt(offset(Parameter.Type.INTEGER), value);
    return this;
  }

  /** Gives the next parameter, a float. */
  public Launch number(float value) {
    parameters.putFloat(offset(Parameter.Type.NUMBER), value);
    return this;
  }

  private int offset(Parameter.Type type) {
    if (next == offsets.length || kernel.parameters().get(next).type() != type) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "%s: parameter %d is not a %s", kernel.name(), next, type));
    }
    return offsets[next++];
  }

  /** Queues it; the next launch starts with the first parameter. */
  public void run() {
    if (next != offsets.length) {
      throw new IllegalStateException(
          String.format(
              Locale.ROOT, "%s: %d of %d parameters given", kernel.name(), next, offsets.length));
    }
    next = 0;
    driver.launch(this);
    reachedCount = 0;
  }

  /** Addresses and bytes, by turns, that the kernel may touch beside its parameters'. */
  public long[] reached() {
    return Arrays.copyOf(reached, 2 * reachedCount);
  }

  /** The kernel. */
  public Kernel kernel() {
    return kernel;
  }

  /** What the driver made of the kernel. */
  public Driver.Function function() {
    return function;
  }

  /** The parameter block. */
  public ByteBuffer parameters() {
    return parameters;
  }

  /** Bytes that parameter {@code index}, an address, may be used for. */
  public long extent(int index) {
    return extents[index];
  }

  /** Blocks in x. */
  public int gridX() {
    return gridX;
  }

  /** Blocks in y. */
  public int gridY() {
    return gridY;
  }

  /** Blocks in z. */
  public int gridZ() {
    return gridZ;
  }

  /** Threads of a block in x. */
  public int blockX() {
    return blockX;
  }

  /** Threads of a block in y. */
  public int blockY() {
    return blockY;
  }
}
