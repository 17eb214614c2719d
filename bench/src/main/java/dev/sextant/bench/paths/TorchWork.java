package dev.sextant.bench.paths;

import dev.sextant.bench.libtorch.Libtorch;

/** Work in libtorch: what a run makes is freed at its end, as a training loop would. */
record TorchWork(Libtorch torch, Runnable work) implements Work {
  @Override
  public Object run() {
    try (Libtorch.Scope scope = torch.scope()) {
      work.run();
      return scope;
    }
  }

  @Override
  public void close() {
    torch.close();
  }
}
