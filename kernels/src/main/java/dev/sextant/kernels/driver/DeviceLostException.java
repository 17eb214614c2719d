package dev.sextant.kernels.driver;

import dev.sextant.tensor.SextantException;
import java.util.Locale;

/**
 * The device no longer serves this process: a kernel failed, or the hardware did. What was in its
 * memory is gone; a run goes on from its last checkpoint in a new process.
 */
public final class DeviceLostException extends SextantException {
  private static final long serialVersionUID = 1;

  /** The call that met it, and what the driver said. */
  public DeviceLostException(String call, String meaning) {
    super(
        String.format(
            Locale.ROOT,
            "cuda: the device is lost: %s: %s; what it held is gone, start again (a run goes on"
                + " with sextant resume DIR)",
            call,
            meaning));
  }
}
