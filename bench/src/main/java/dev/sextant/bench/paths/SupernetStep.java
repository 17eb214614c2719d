package dev.sextant.bench.paths;

import ai.djl.ndarray.NDArray;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.ops.SoftmaxCrossEntropy;
import dev.sextant.autograd.optim.Sgd;
import dev.sextant.bench.libtorch.Libtorch;
import dev.sextant.bench.libtorch.TensorRole;
import dev.sextant.bench.libtorch.TorchChain;
import dev.sextant.bench.libtorch.TorchSupernet;
import dev.sextant.nas.cost.ExpectedCost;
import dev.sextant.nas.objective.Loss;
import dev.sextant.nas.objective.Outcome;
import dev.sextant.nas.policy.BinaryGates;
import dev.sextant.nas.policy.HeldOut;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.supernet.GateMode;
import dev.sextant.nas.supernet.MixedLayer;
import dev.sextant.nas.supernet.MultiPathSupernet;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Steps of a supernet on one batch with one set of gates, drawn once: {@code weight SPACE bBATCH}
 * (forward, loss, backward, SGD on the active path) and {@code architecture SPACE bBATCH}
 * (ProxylessNAS, Appendix D, and Adam on the alphas).
 */
public class SupernetStep extends TrainingPath {
  private static final float MOMENTUM = 0.9f;
  private static final float DECAY = 4e-5f;
  private static final float SMOOTHING = 0.1f;

  /** So small that neither the gates drawn nor the work change from step to step. */
  private static final double RATE = 1e-9;

  /** For JMH. */
  public SupernetStep() {}

  /**
   * Steps on that few images come before all others: the JIT compiler counts a kernel's calls, of
   * which a step has as many whatever its batch, and some kernels are called once a step.
   */
  private static final int FEW = 4;

  private static final int STEPS_OF_FEW = 120;

  /** A supernet of this engine, its policy and a batch. */
  private static final class Search implements HeldOut, AutoCloseable {
    private final Backend backend;
    private final Tape tape;
    private final boolean architecture;
    private final Space space;
    private final MultiPathSupernet supernet;
    private final Rng gatesRng = new Rng(7);
    private final long gatesState;
    private final BinaryGates gates;
    private final Outcome outcome = new Outcome(Double.NaN, Double.NaN);
    private final Tensor images;
    private final Tensor labels;
    private Tensor stepImages;
    private Tensor stepLabels;

    Search(Spec spec, Backend backend) {
      this.backend = backend;
      tape = new Tape(backend);
      architecture = spec.word().equals("architecture");
      space = Space.named(spec.word());
      int batch = spec.number("b");
      supernet = new MultiPathSupernet(space, new Initializer(backend, new Rng(6)));
      double[][] costs = new double[supernet.choices().size()][];
      for (int i = 0; i < costs.length; i++) {
        costs[i] = new double[supernet.choices().get(i).candidates().size()];
        Arrays.setAll(costs[i], j -> 1 + j);
      }
      gates =
          new BinaryGates(
              backend,
              supernet,
              GateMode.RECOMPUTE,
              new ExpectedCost(1, costs),
              new Loss.AddLinear(0.1, 10),
              null,
              gatesRng);
      gatesState = gatesRng.state();
      images = tensor(backend, space.input().shape(batch), 1);
      labels = backend.memory().ints(Shape.of(batch), Category.DATA, "labels");
      labels.set(IntStream.range(0, batch).map(i -> i % space.classes()).toArray());
      stepImages = images;
      stepLabels = labels;
      drawGates();
    }

    void drawGates() {
      gatesRng.restore(gatesState);
      gates.sampleGates();
    }

    /** Has a step compiled. */
    void compile(Runnable step) {
      if (images.shape().get(0) <= FEW) {
        return;
      }
      try (Tensor fewImages = images.slice(0, FEW);
          Tensor fewLabels = labels.slice(0, FEW)) {
        stepImages = fewImages;
        stepLabels = fewLabels;
        for (int i = 0; i < STEPS_OF_FEW; i++) {
          step.run();
        }
      }
      stepImages = images;
      stepLabels = labels;
    }

    /** Draws the same gates each time. */
    void architectureStep() {
      gatesRng.restore(gatesState);
      gates.learn(this, RATE);
    }

    @Override
    public Outcome gradients() {
      outcome.set(pass(Tape.Mode.TRAIN_STATELESS, 0), Double.NaN);
      return outcome;
    }

    @Override
    public Outcome evaluate() {
      throw new IllegalStateException("gates need gradients");
    }

    int[] decisions() {
      return supernet.choices().stream().mapToInt(MixedLayer::active).toArray();
    }

    double pass(Tape.Mode mode, float smoothing) {
      try (Tape _ = tape.open(mode)) {
        Variable logits = supernet.forward(tape, tape.constant(stepImages));
        Variable loss = SoftmaxCrossEntropy.apply(tape, logits, stepLabels, smoothing);
        logits.release();
        double value = backend.elementwise().sum(loss.value());
        tape.backward(loss);
        return value;
      }
    }

    @Override
    public void close() {
      gates.close();
      supernet.close();
      images.close();
      labels.close();
    }
  }

  @Override
  Work sextant(Spec spec, Backend backend) {
    Search search = new Search(spec, backend);
    if (search.architecture) {
      search.supernet.freezeWeights(true);
      search.compile(search::architectureStep);
      return new SextantWork(backend, search::architectureStep);
    }
    search.supernet.setDecisions(search.decisions());
    Sgd sgd =
        new Sgd(
            backend, search.supernet.parameters(), new Sgd.Config(MOMENTUM, true, DECAY, false));
    Runnable step =
        () -> {
          search.pass(Tape.Mode.TRAIN, SMOOTHING);
          sgd.step(RATE);
        };
    search.compile(step);
    return new SextantWork(backend, step);
  }

  @Override
  Work libtorch(Spec spec, Libtorch torch) {
    try (Backend backend = Backend.cpu(1);
        Search search = new Search(spec, backend)) {
      NDArray x = torch.load(TensorRole.IMAGE, search.images);
      NDArray labels = torch.labels(search.labels);
      int[] decisions = search.decisions();
      Space space = search.space;
      if (!search.architecture) {
        TorchChain chain =
            new TorchChain(
                torch,
                space.derive(decisions).layers(),
                search.images.shape(),
                space.batchNormEpsilon(),
                true,
                search.supernet.inherited(decisions));
        return new TorchWork(
            torch, () -> chain.weightStep(x, labels, SMOOTHING, RATE, MOMENTUM, DECAY));
      }
      float[][] alphas = new float[decisions.length][];
      float[][] costs = new float[decisions.length][];
      for (int i = 0; i < decisions.length; i++) {
        alphas[i] = search.gates.alphas().values(i);
        costs[i] = new float[alphas[i].length];
      }
      TorchSupernet peer =
          new TorchSupernet(torch, space, search.supernet.state(), decisions, alphas, costs, RATE);
      return new TorchWork(torch, () -> peer.architectureStep(x, labels));
    }
  }
}
