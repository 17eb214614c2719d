package dev.sextant.bench.paths;

import dev.sextant.tensor.Backend;

/**
 * Work in this engine. Its tensors live in the backend's memory, which goes with the backend.
 *
 * @param work writes to tensors that were there before
 */
record SextantWork(Backend backend, Runnable work) implements Work {
  @Override
  public Object run() {
    work.run();
    return backend;
  }

  @Override
  public void close() {
    backend.close();
  }
}
