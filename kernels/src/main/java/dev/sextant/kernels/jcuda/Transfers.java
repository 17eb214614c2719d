package dev.sextant.kernels.jcuda;

import dev.sextant.kernels.driver.Driver.Mark;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import jcuda.Pointer;
import jcuda.driver.CUevent;
import jcuda.driver.CUevent_flags;
import jcuda.driver.CUstream;
import jcuda.driver.CUstream_flags;
import jcuda.driver.JCudaDriver;
import org.jspecify.annotations.Nullable;

/**
 * A stream of copies from page-locked memory, that memory, the events between streams, and copies
 * between arrays and the device.
 */
final class Transfers implements AutoCloseable {
  /** Of an array that is copied at once: long enough for the bus, short enough to keep. */
  private static final int LANDING_BYTES = 1 << 20;

  private final CUstream stream = new CUstream();
  private final Map<ByteBuffer, Pointer> pinned = new IdentityHashMap<>();
  private final List<CUevent> events = new ArrayList<>();
  private @Nullable ByteBuffer landing;

  /** An event of the driver. */
  record Event(CUevent event) implements Mark {}

  Transfers() {
    Status.driver(
        "cuStreamCreate",
        JCudaDriver.cuStreamCreate(stream, CUstream_flags.CU_STREAM_NON_BLOCKING));
  }

  CUstream stream() {
    return stream;
  }

  ByteBuffer pinned(int bytes) {
    Pointer pointer = new Pointer();
    Status.driver("cuMemAllocHost", JCudaDriver.cuMemAllocHost(pointer, bytes));
    ByteBuffer buffer = pointer.getByteBuffer(0, bytes);
    pinned.put(buffer, pointer);
    return buffer;
  }

  /** An event without times, which cost. */
  Mark mark() {
    return new Event(event(CUevent_flags.CU_EVENT_DISABLE_TIMING));
  }

  CUevent event(int flags) {
    CUevent event = new CUevent();
    Status.driver("cuEventCreate", JCudaDriver.cuEventCreate(event, flags));
    events.add(event);
    return event;
  }

  void forget(CUevent event) {
    events.remove(event);
    JCudaDriver.cuEventDestroy(event);
  }

  void copy(ByteBuffer from, int bytes, long to) {
    Pointer pointer = pinned.get(from);
    if (pointer == null) {
      throw new IllegalArgumentException("not a page-locked buffer: " + from);
    }
    Status.driver(
        "cuMemcpyHtoDAsync",
        JCudaDriver.cuMemcpyHtoDAsync(new DeviceAddress(to), pointer, bytes, stream));
  }

  /** Writes part of an array to a buffer from its start. */
  interface Source {
    void write(int from, int count, ByteBuffer to);
  }

  /**
   * Where arrays and the device meet. A driver may copy an array's own memory when it likes, on
   * some machines after the call, when the garbage collector may have moved it; and a copy that
   * waits would keep the collector out.
   */
  private ByteBuffer landing() {
    ByteBuffer buffer = landing;
    if (buffer == null) {
      buffer = pinned(LANDING_BYTES).order(ByteOrder.nativeOrder());
      landing = buffer;
    }
    return buffer;
  }

  /** Copies 4-byte elements to the device, behind what is queued on a stream, and waits for it. */
  void upload(CUstream on, Source source, int count, long to) {
    ByteBuffer buffer = landing();
    for (int done = 0; done < count; ) {
      int part = Math.min(count - done, LANDING_BYTES / 4);
      source.write(done, part, buffer);
      Status.driver(
          "cuMemcpyHtoDAsync",
          JCudaDriver.cuMemcpyHtoDAsync(
              new DeviceAddress(to + 4L * done), pinned.get(buffer), 4L * part, on));
      Status.driver("cuStreamSynchronize", JCudaDriver.cuStreamSynchronize(on));
      done += part;
    }
  }

  /** Copies floats from the device, behind what is queued on a stream, and waits for it. */
  void download(CUstream on, long from, float[] to, int offset, int count) {
    ByteBuffer buffer = landing();
    for (int done = 0; done < count; ) {
      int part = Math.min(count - done, LANDING_BYTES / 4);
      Status.driver(
          "cuMemcpyDtoHAsync",
          JCudaDriver.cuMemcpyDtoHAsync(
              pinned.get(buffer), new DeviceAddress(from + 4L * done), 4L * part, on));
      Status.driver("cuStreamSynchronize", JCudaDriver.cuStreamSynchronize(on));
      buffer.asFloatBuffer().get(0, to, offset + done, part);
      done += part;
    }
  }

  @Override
  public void close() {
    JCudaDriver.cuStreamSynchronize(stream);
    events.forEach(JCudaDriver::cuEventDestroy);
    events.clear();
    pinned.values().forEach(JCudaDriver::cuMemFreeHost);
    pinned.clear();
    landing = null;
    JCudaDriver.cuStreamDestroy(stream);
  }
}
