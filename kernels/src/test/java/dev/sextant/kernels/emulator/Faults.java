package dev.sextant.kernels.emulator;

import dev.sextant.kernels.driver.DeviceLostException;
import dev.sextant.kernels.driver.Driver;
import dev.sextant.kernels.ptx.Kernel;

/** What goes wrong on an emulated device, and when. */
public final class Faults {
  private static final String SAID =
      "CUDA_ERROR_ILLEGAL_ADDRESS (an illegal memory access was encountered)";

  private long launchesLeft = Long.MAX_VALUE;
  private String refused = "";
  private boolean lost;

  /** Loses the device at the launch after that many. */
  public Faults loseAfter(long launches) {
    launchesLeft = launches;
    return this;
  }

  /** Refuses a kernel as the driver's assembler would. */
  public Faults refuse(String kernel) {
    refused = kernel;
    return this;
  }

  boolean lost() {
    return lost;
  }

  void check() {
    if (lost) {
      throw new DeviceLostException("cuLaunchKernel", SAID);
    }
  }

  void checkLaunch(Kernel kernel) {
    lost |= launchesLeft-- <= 0;
    if (lost) {
      throw new DeviceLostException("launch of " + kernel.name(), SAID);
    }
  }

  void checkKernel(Kernel kernel) {
    if (kernel.name().equals(refused)) {
      throw Driver.refused(kernel, "ptxas application ptx input, line 7; error : Unknown symbol");
    }
  }
}
