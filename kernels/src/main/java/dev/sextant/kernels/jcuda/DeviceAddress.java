package dev.sextant.kernels.jcuda;

import jcuda.driver.CUdeviceptr;

/** An address in device memory as JCuda wants it: null and an offset, and back. */
final class DeviceAddress extends CUdeviceptr {
  /** To be filled in by an allocation. */
  DeviceAddress() {}

  /** That address. */
  DeviceAddress(long address) {
    super(new CUdeviceptr(), address);
  }

  /** The address. */
  long value() {
    return getNativePointer() + getByteOffset();
  }
}
