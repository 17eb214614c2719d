package dev.sextant.tensor;

import dev.sextant.tensor.internal.cpu.CpuBackend;
import dev.sextant.tensor.internal.reference.ReferenceBackend;
import java.util.ServiceLoader;

/** Which backend serves which device. */
public final class Backends {
  /** More than any machine has: workers that wait for one another cost more than they bring. */
  public static final int MOST_THREADS = 1024;

  private Backends() {}

  /**
   * Opens a backend with a memory of its own.
   *
   * @param device what to run on
   * @param threads worker threads to split a kernel over, 1 to {@value #MOST_THREADS}; ignored by
   *     devices that schedule themselves
   * @return a backend whose operations check their arguments; the caller closes it
   * @throws SextantException if nothing serves that device, with what to do about it
   */
  public static Backend open(Device device, int threads) {
    if (threads < 1 || threads > MOST_THREADS) {
      throw new SextantException("threads: " + threads + " is not between 1 and " + MOST_THREADS);
    }
    return switch (device.kind()) {
      case "cpu" -> CpuBackend.open(threads);
      case "reference" -> new ReferenceBackend();
      default -> external(device, threads);
    };
  }

  /**
   * Opens a backend with a memory of its own, whose kernels are split over threads that others use
   * too.
   *
   * @param device what to run on; but for the CPU it schedules itself
   * @param team stays the caller's, who closes it after the backend
   * @return a backend whose operations check their arguments; the caller closes it
   * @throws SextantException if nothing serves that device, with what to do about it
   */
  public static Backend open(Device device, Team team) {
    return device.kind().equals("cpu")
        ? CpuBackend.open(team.workers())
        : open(device, team.threads());
  }

  private static Backend external(Device device, int threads) {
    for (BackendProvider provider : ServiceLoader.load(BackendProvider.class)) {
      if (provider.kind().equals(device.kind())) {
        return provider.open(device, threads);
      }
    }
    throw new SextantException(
        "device: no backend for '" + device + "' is on the module path; cpu always is");
  }
}
