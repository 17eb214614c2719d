package dev.sextant.kernels.device;

import dev.sextant.kernels.driver.Driver;
import dev.sextant.kernels.driver.Driver.Mark;
import dev.sextant.kernels.driver.Driver.Stream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * Copies arrays to the device beside the kernels that run there: two page-locked buffers, filled in
 * turn, each with a block of device memory that it is copied to on a stream of its own; a copy on
 * the device, which waits for it, brings the data where it is wanted, behind the kernels that may
 * still read what was there. The host waits only where both buffers are on their way.
 */
public final class Staging implements AutoCloseable {
  /** Long enough for the bus to reach its full speed, short enough to fill the next meanwhile. */
  private static final int BYTES = 4 << 20;

  private static final int SLOTS = 2;

  /** A buffer on either side, and when each is free again. */
  private record Slot(ByteBuffer host, CachingAllocator.Piece device, Mark copied, Mark free) {}

  /** Writes part of an array to a buffer from its start. */
  private interface Source {
    void write(int from, int count, ByteBuffer to);
  }

  private final Driver driver;
  private final CachingAllocator allocator;
  private final @Nullable Slot[] slots = new Slot[SLOTS];
  private int next;

  public Staging(Driver driver, CachingAllocator allocator) {
    this.driver = driver;
    this.allocator = allocator;
  }

  public void upload(float[] from, int offset, int count, long to) {
    upload(
        (start, length, buffer) -> buffer.asFloatBuffer().put(0, from, offset + start, length),
        count,
        to);
  }

  public void upload(int[] from, int offset, int count, long to) {
    upload(
        (start, length, buffer) -> buffer.asIntBuffer().put(0, from, offset + start, length),
        count,
        to);
  }

  private void upload(Source source, int count, long to) {
    for (int done = 0; done < count; ) {
      int part = Math.min(count - done, BYTES / 4);
      Slot slot = slot();
      driver.await(slot.copied);
      source.write(done, part, slot.host);
      driver.await(Stream.TRANSFER, slot.free);
      driver.transfer(slot.host, 4 * part, slot.device.address());
      driver.record(slot.copied, Stream.TRANSFER);
      driver.await(Stream.COMPUTE, slot.copied);
      driver.copy(slot.device.address(), to + 4L * done, 4L * part);
      driver.record(slot.free, Stream.COMPUTE);
      done += part;
    }
  }

  private Slot slot() {
    int index = next;
    next = (next + 1) % SLOTS;
    Slot slot = slots[index];
    if (slot == null) {
      slot =
          new Slot(
              driver.pinned(BYTES).order(ByteOrder.nativeOrder()),
              allocator.allocate(BYTES),
              driver.mark(),
              driver.mark());
      slots[index] = slot;
    }
    return slot;
  }

  /** Gives the device's blocks back. */
  @Override
  public void close() {
    for (int i = 0; i < SLOTS; i++) {
      Slot slot = slots[i];
      if (slot != null) {
        allocator.free(slot.device);
        slots[i] = null;
      }
    }
  }
}
