package dev.sextant.nas.shrink;

import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.nn.Module;
import dev.sextant.autograd.optim.Adam;
import dev.sextant.autograd.optim.Optimizer;
import dev.sextant.nas.data.Batch;
import dev.sextant.nas.space.Position;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.supernet.LayerModule;
import dev.sextant.runtime.Weights;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.stream.Collectors;

/**
 * A trained network, the teacher, and what can stand in the place of each of its layers. Each
 * alternative starts from the layer's own weights ({@link InheritedWeights}), is fitted to the
 * layer's output on the teacher's input to it, and is scored by what the teacher's output becomes
 * where it alone is replaced. The teacher's batch norms use their running statistics throughout.
 *
 * <p>Confined to the thread of the backend. In a steady state neither fitting nor scoring takes
 * memory anew from the backend.
 */
public final class BlockFit implements AutoCloseable {
  /** Adam's, as it is known. */
  private static final Adam.Config ADAM = new Adam.Config(0.9f, 0.999f, 1e-8f, 0, false);

  private final Backend backend;
  private final Space space;
  private final List<LayerModule> teacher = new ArrayList<>();

  /** By position and candidate; that of candidate 0 is the teacher's own. */
  private final List<List<LayerModule>> candidates = new ArrayList<>();

  /** Which of them have weights to fit. */
  private final List<boolean[]> trained = new ArrayList<>();

  private final Optimizer optimizer;
  private final Tape pass;
  private final Tape inner;

  /**
   * Makes all modules.
   *
   * @param backend where everything is computed
   * @param space of {@link Alternatives#space}
   * @param weights of the teacher, which are those of the first candidates
   * @throws dev.sextant.tensor.SextantException if weights and space do not fit
   */
  public BlockFit(Backend backend, Space space, Weights weights) {
    weights.check(space.derive(new int[space.options().length]));
    this.backend = backend;
    this.space = space;
    pass = new Tape(backend);
    inner = new Tape(backend);
    // Every value is overwritten.
    Initializer init = new Initializer(backend, new Rng(0));
    Shape[] inputs = space.inputShapes();
    SequencedMap<String, Parameter> parameters = new LinkedHashMap<>();
    for (int i = 0; i < inputs.length; i++) {
      List<Layer> layers = space.positions().get(i).layers();
      List<LayerModule> modules = new ArrayList<>();
      Map<String, Weights.Entry> own = of(weights, i);
      boolean[] fitted = new boolean[layers.size()];
      trained.add(fitted);
      for (int j = 0; j < layers.size(); j++) {
        LayerModule module =
            new LayerModule(layers.get(j), inputs[i], space.batchNormEpsilon(), init);
        modules.add(module);
        if (j == 0) {
          teacher.add(module);
          candidates.add(modules);
          put(module, own);
          module.setFrozen(true);
        } else {
          put(
              module,
              InheritedWeights.of(
                  layers.getFirst(), own, layers.get(j), shapes(module), inputs[i].channels()));
          fitted[j] = !module.parameters().isEmpty();
          String prefix = i + "." + j + ".";
          module.parameters().forEach((name, value) -> parameters.put(prefix + name, value));
        }
      }
    }
    optimizer = new Adam(backend, parameters, ADAM);
  }

  private void put(Module module, Map<String, Weights.Entry> weights) {
    module
        .state()
        .forEach(
            (name, tensor) ->
                backend.upload(Objects.requireNonNull(weights.get(name)).values(), 0, tensor));
  }

  private static SequencedMap<String, Shape> shapes(Module module) {
    SequencedMap<String, Shape> shapes = new LinkedHashMap<>();
    module.state().forEach((name, tensor) -> shapes.put(name, tensor.shape()));
    return shapes;
  }

  private static Map<String, Weights.Entry> of(Weights weights, int layer) {
    String prefix = prefix(layer);
    return weights.entries().entrySet().stream()
        .filter(entry -> entry.getKey().startsWith(prefix))
        .collect(
            Collectors.toMap(
                entry -> entry.getKey().substring(prefix.length()), Map.Entry::getValue));
  }

  private static String prefix(int layer) {
    return "layers." + layer + ".";
  }

  /** {@return the optimizer of the alternatives, for checkpoints} */
  public Optimizer optimizer() {
    return optimizer;
  }

  /** {@return every tensor of the alternatives by name, for checkpoints} */
  public SequencedMap<String, Tensor> state() {
    SequencedMap<String, Tensor> state = new LinkedHashMap<>();
    for (int i = 0; i < candidates.size(); i++) {
      for (int j = 1; j < candidates.get(i).size(); j++) {
        String prefix = i + "." + j + ".";
        candidates.get(i).get(j).state().forEach((name, t) -> state.put(prefix + name, t));
      }
    }
    return state;
  }

  /**
   * A step of all alternatives towards the outputs of the layers in whose place they would stand.
   *
   * @param batch training images
   * @param rate of Adam
   * @return the mean over all alternatives with weights of the squared error over the output's
   *     variance; 0 where there are none
   */
  public double fit(Batch batch, double rate) {
    double sum = 0;
    int count = 0;
    try (Tape teaching = pass.open(Tape.Mode.EVAL)) {
      Variable x = images(teaching, batch);
      for (int i = 0; i <= last(); i++) {
        Variable y = teacher.get(i).forward(teaching, x);
        List<LayerModule> modules = candidates.get(i);
        double variance = modules.size() > 1 ? variance(y.value()) : 1;
        for (int j = 1; j < modules.size(); j++) {
          if (trained.get(i)[j]) {
            sum += fit(modules.get(j), x.value(), y.value(), variance);
            count++;
          }
        }
        x.release();
        x = y;
      }
    }
    optimizer.step(rate);
    return count == 0 ? 0 : sum / count;
  }

  /** The last position at which there is a choice. */
  private int last() {
    int last = candidates.size() - 1;
    while (candidates.get(last).size() == 1) {
      last--;
    }
    return last;
  }

  private double fit(Module module, Tensor x, Tensor target, double variance) {
    try (Tape tape = inner.open(Tape.Mode.TRAIN)) {
      Variable y = module.forward(tape, tape.constant(x));
      Tensor difference = tape.output(target.shape(), "fit");
      double error = difference(y.value(), target, difference) / (variance * target.size());
      float scale = (float) (2 / (variance * target.size()));
      backend.elementwise().scale(difference, scale, difference);
      tape.backward(y, difference);
      return error;
    }
  }

  /** Writes y - target; returns the sum of its squares. */
  private double difference(Tensor y, Tensor target, Tensor into) {
    backend.elementwise().copy(y, into);
    backend.elementwise().axpy(-1, target, into);
    return backend.elementwise().dot(into, into);
  }

  /** Of all elements around their mean; never 0, so that it can divide. */
  private double variance(Tensor y) {
    double mean = backend.elementwise().sum(y) / y.size();
    double squares = backend.elementwise().dot(y, y) / y.size();
    return Math.max(1e-12, squares - mean * mean);
  }

  /**
   * Adds to the scores of all alternatives what a batch of held-out images says of them.
   *
   * @param batch images that neither teacher nor alternatives were trained on
   * @param scores added to
   */
  public void score(Batch batch, BlockScores scores) {
    try (Tape teaching = pass.open(Tape.Mode.EVAL)) {
      List<Variable> values = new ArrayList<>();
      values.add(images(teaching, batch));
      for (LayerModule module : teacher) {
        values.add(module.forward(teaching, values.getLast()));
      }
      scores.begin(download(values.getLast()), batch.labels(), batch.count());
      for (int i = 0; i <= last(); i++) {
        Tensor target = values.get(i + 1).value();
        double variance = candidates.get(i).size() > 1 ? variance(target) : 1;
        for (int j = 1; j < candidates.get(i).size(); j++) {
          score(i, j, values.get(i).value(), target, variance, scores);
        }
      }
    }
  }

  private void score(
      int position, int option, Tensor x, Tensor target, double variance, BlockScores scores) {
    try (Tape tape = inner.open(Tape.Mode.EVAL)) {
      Variable y = candidates.get(position).get(option).forward(tape, tape.constant(x));
      Tensor difference = tape.output(target.shape(), "score");
      double error = difference(y.value(), target, difference) / (variance * target.size());
      difference.close();
      for (int i = position + 1; i < teacher.size(); i++) {
        Variable next = teacher.get(i).forward(tape, y);
        y.release();
        y = next;
      }
      scores.add(position, option, error, download(y));
    }
  }

  private float[] download(Variable logits) {
    float[] values = new float[logits.shape().size()];
    backend.download(logits.value(), values, 0);
    return values;
  }

  private Variable images(Tape tape, Batch batch) {
    Shape shape = space.input().shape(batch.count());
    Tensor images = backend.memory().floats(shape, Category.DATA, "images");
    backend.upload(batch.pixels(), 0, images);
    return tape.constant(images);
  }

  /**
   * Copies the weights of a network put together of candidates into it.
   *
   * @param decisions a candidate for each choice of the space
   * @param network of {@code space.derive(decisions)}
   */
  public void copyWeights(int[] decisions, Module network) {
    Map<String, Tensor> weights = new LinkedHashMap<>();
    int choice = 0;
    for (int i = 0; i < candidates.size(); i++) {
      int j = space.positions().get(i) instanceof Position.Choice ? decisions[choice++] : 0;
      String prefix = prefix(i);
      candidates.get(i).get(j).state().forEach((name, t) -> weights.put(prefix + name, t));
    }
    network.load(backend, weights);
  }

  @Override
  public void close() {
    optimizer.close();
    candidates.forEach(modules -> modules.forEach(Module::close));
  }
}
