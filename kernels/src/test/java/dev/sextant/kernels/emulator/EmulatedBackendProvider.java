package dev.sextant.kernels.emulator;

import dev.sextant.kernels.cuda.CudaBackend;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.BackendProvider;
import dev.sextant.tensor.Device;

/**
 * The CUDA backend on one emulated device, as {@code emulated}: for tests of other modules too.
 * Backends of one thread may share it, as forks of a model do.
 */
public final class EmulatedBackendProvider implements BackendProvider {
  private static final DeviceMemory MEMORY = new DeviceMemory(1L << 30);

  private static volatile Faults faults = new Faults();

  /** For ServiceLoader. */
  public EmulatedBackendProvider() {}

  /** Gives what goes wrong on devices opened from now on. */
  public static void faults(Faults next) {
    faults = next;
  }

  @Override
  public String kind() {
    return "emulated";
  }

  @Override
  public Backend open(Device device, int threads) {
    return new CudaBackend(device, new EmulatedDriver(MEMORY, faults));
  }
}
