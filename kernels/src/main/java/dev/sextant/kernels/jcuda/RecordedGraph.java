package dev.sextant.kernels.jcuda;

import dev.sextant.kernels.driver.Driver;
import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;

/** A CUDA graph, ready to be launched on the stream that it was recorded from. */
final class RecordedGraph implements Driver.Graph {
  private final CUgraph graph;
  private final CUgraphExec executable = new CUgraphExec();
  private final CUstream stream;
  private final Runnable bind;
  private boolean closed;

  /**
   * Makes a recording ready.
   *
   * @param bind makes the device that of the calling thread
   */
  RecordedGraph(CUgraph graph, CUstream stream, Runnable bind) {
    this.graph = graph;
    this.stream = stream;
    this.bind = bind;
    Status.driver("cuGraphInstantiate", JCudaDriver.cuGraphInstantiate(executable, graph, 0));
    Status.driver("cuGraphUpload", JCudaDriver.cuGraphUpload(executable, stream));
  }

  @Override
  public void launch() {
    bind.run();
    int status = JCudaDriver.cuGraphLaunch(executable, stream);
    if (status != 0) {
      Status.driver("cuGraphLaunch", status);
    }
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      bind.run();
      JCudaDriver.cuStreamSynchronize(stream);
      JCudaDriver.cuGraphExecDestroy(executable);
      JCudaDriver.cuGraphDestroy(graph);
    }
  }
}
