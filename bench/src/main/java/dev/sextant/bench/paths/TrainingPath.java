package dev.sextant.bench.paths;

import dev.sextant.bench.libtorch.Libtorch;
import dev.sextant.tensor.Backend;

/** A part of training, whose peer is libtorch. */
public abstract class TrainingPath extends HotPath {
  /** For the classes that JMH derives. */
  protected TrainingPath() {}

  /** The work in this engine; it owns the backend. */
  abstract Work sextant(Spec spec, Backend backend);

  /** The work in libtorch; it owns the instance. */
  abstract Work libtorch(Spec spec, Libtorch torch);

  @Override
  final Work work(Spec asked) {
    return switch (engine) {
      case SEXTANT -> sextant(asked, Backend.cpu(threads));
      case LIBTORCH -> libtorch(asked, Libtorch.open(threads, layout));
      default -> throw new IllegalArgumentException("engine: " + engine);
    };
  }
}
