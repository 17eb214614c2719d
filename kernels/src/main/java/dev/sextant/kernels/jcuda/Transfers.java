package dev.sextant.kernels.jcuda;

import dev.sextant.kernels.driver.Driver.Mark;
import java.nio.ByteBuffer;
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

/** A stream of copies from page-locked memory, that memory, and the events between streams. */
final class Transfers implements AutoCloseable {
  private final CUstream stream = new CUstream();
  private final Map<ByteBuffer, Pointer> pinned = new IdentityHashMap<>();
  private final List<CUevent> events = new ArrayList<>();

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

  @Override
  public void close() {
    JCudaDriver.cuStreamSynchronize(stream);
    events.forEach(JCudaDriver::cuEventDestroy);
    events.clear();
    pinned.values().forEach(JCudaDriver::cuMemFreeHost);
    pinned.clear();
    JCudaDriver.cuStreamDestroy(stream);
  }
}
