package dev.sextant.kernels.cuda;

import dev.sextant.kernels.device.Kernels;
import dev.sextant.kernels.driver.Driver;
import dev.sextant.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Work that is recorded once as a CUDA graph. Its scratch stays taken until the backend closes: a
 * graph holds the addresses of its recording.
 */
final class Graphs implements AutoCloseable {
  private final Driver driver;
  private final Kernels kernels;
  private final List<Driver.Graph> graphs = new ArrayList<>();
  private final List<Tensor> scratch = new ArrayList<>();

  Graphs(Driver driver, Kernels kernels) {
    this.driver = driver;
    this.kernels = kernels;
  }

  /**
   * Records work, which is done once before, so that kernels are loaded, libraries have chosen
   * their algorithms, and the scratch is there that recording must not ask the driver for.
   */
  Runnable record(Runnable work) {
    List<Tensor> warm = new ArrayList<>();
    kernels.holding(warm, work);
    warm.forEach(Tensor::close);
    driver.synchronize();
    List<Tensor> held = new ArrayList<>();
    driver.beginCapture();
    Driver.Graph graph;
    try {
      kernels.holding(held, work);
      graph = driver.endCapture();
    } catch (RuntimeException | Error e) {
      held.forEach(Tensor::close);
      abandon(e);
      throw e;
    }
    graphs.add(graph);
    scratch.addAll(held);
    return graph::launch;
  }

  /** Ends a recording that failed; what else goes wrong then is beside the point. */
  private void abandon(Throwable cause) {
    try {
      driver.endCapture().close();
    } catch (RuntimeException e) {
      cause.addSuppressed(e);
    }
  }

  @Override
  public void close() {
    graphs.forEach(Driver.Graph::close);
    graphs.clear();
    scratch.forEach(Tensor::close);
    scratch.clear();
  }
}
