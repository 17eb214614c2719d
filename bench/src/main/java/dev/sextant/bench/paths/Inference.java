package dev.sextant.bench.paths;

import dev.sextant.bench.onnx.OnnxSession;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Architectures;
import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.Device;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;

/**
 * A published network with random weights, from images in an array to logits in an array: {@code
 * NAME bN} for a batch of N on all threads that are asked for, {@code NAME bN one} on one. Its peer
 * is ONNX Runtime with the same network. Each run is timed by itself, for its percentiles.
 */
@BenchmarkMode(Mode.SampleTime)
public class Inference extends HotPath {
  private static final String ONE = "one";

  /** For JMH. */
  public Inference() {}

  @Override
  Work work(Spec asked) {
    int batch = asked.number("b");
    Architecture architecture = Architectures.named(asked.word());
    int workers = asked.has(ONE) ? 1 : threads;
    Weights weights = Weights.random(architecture, 1);
    float[] images = values(architecture.input().shape(batch), 2);
    float[] logits = new float[batch * architecture.outputs()];
    return switch (engine) {
      case SEXTANT -> {
        CompiledModel model =
            CompiledModel.compile(architecture, weights, Device.CPU, workers, batch);
        yield new Run(() -> model.run(images, logits), logits, model::close);
      }
      case ONNX_RUNTIME -> {
        OnnxSession session = new OnnxSession(architecture, weights, workers, batch);
        float[] planar = OnnxSession.planar(images, architecture.input());
        yield new Run(() -> session.run(planar, logits), logits, session::close);
      }
      default -> throw new IllegalArgumentException("engine: " + engine);
    };
  }

  /** One run of a network. */
  private record Run(Runnable network, float[] logits, Runnable closing) implements Work {
    @Override
    public Object run() {
      network.run();
      return logits;
    }

    @Override
    public void close() {
      closing.run();
    }
  }
}
