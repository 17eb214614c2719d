package dev.sextant.bench.libtorch;

import ai.djl.ndarray.NDArray;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.ops.SoftmaxCrossEntropy;
import dev.sextant.nas.cells.CellParameters;
import dev.sextant.nas.cells.CellSupernet;
import dev.sextant.nas.space.CellNetworks;
import dev.sextant.nas.space.CellSpace;
import dev.sextant.runtime.Architecture.Input;
import dev.sextant.runtime.layer.Cell;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A step of a whole supernet of cells against libtorch in double, all eight ops of DARTS on every
 * edge: the loss, the gradient of every weight, of the weights of ops and of those of edges.
 */
@ExtendWith(Parity.Extension.class)
class CellParityTest {
  private static final int BATCH = 2;
  private static final int CLASSES = 3;
  private static final Shape IMAGES = Shape.of(BATCH, 8, 8, 2);

  /** Two nodes; a normal and two reduction cells. */
  private static CellSpace space(boolean partial) {
    return new CellSpace(
        new Input(8, 8, 2),
        CLASSES,
        2,
        CellSpace.DARTS_OPS,
        partial ? 8 : 4,
        3,
        partial ? 4 : 1,
        partial);
  }

  private static CellSupernet supernet(Backend backend, boolean partial) {
    CellParameters parameters = CellParameters.zeros(space(partial));
    double[] values = parameters.values();
    Rng rng = new Rng(4);
    for (int i = 0; i < values.length; i++) {
      values[i] = 0.5 * rng.nextGaussian();
    }
    parameters.set(values);
    CellSupernet supernet = new CellSupernet(parameters, new Initializer(backend, new Rng(1)));
    Parity.wake(backend, supernet, 1);
    return supernet;
  }

  /** Rows of parameters, or of their gradients, by the names that the script gives them. */
  private static SequencedMap<String, float[]> rows(CellParameters parameters) {
    CellSpace space = parameters.space();
    SequencedMap<String, float[]> rows = new LinkedHashMap<>();
    for (int stride = 1; stride <= 2; stride++) {
      CellParameters.CellType type = parameters.type(stride);
      for (int edge = 0; edge < space.edges(); edge++) {
        rows.put("alphas.%d.%d".formatted(stride, edge), floats(type.alphas()[edge]));
      }
      double[] betas = type.betas();
      for (int node = 0; betas != null && node < space.nodes(); node++) {
        float[] row = new float[node + Cell.INPUTS];
        for (int from = 0; from < row.length; from++) {
          row[from] = (float) betas[CellSpace.firstEdge(node) + from];
        }
        rows.put("betas.%d.%d".formatted(stride, node), row);
      }
    }
    return rows;
  }

  private static float[] floats(double[] values) {
    float[] floats = new float[values.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) values[i];
    }
    return floats;
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void stepsOfMixtures(boolean partial, Parity parity) {
    String what = partial ? "partial cells" : "cells";
    Parity.Answer answer =
        parity.steady(what, true, (seed, nudge) -> theirs(parity, partial, seed, nudge));
    parity.checkAll(
        what, IMAGES.size(), answer.tensors(), backend -> ours(backend, partial, answer.seed()));
  }

  private static SequencedMap<String, float[]> theirs(
      Parity parity, boolean partial, long seed, int nudge) {
    Backend backend = parity.cpu(1);
    Libtorch torch = parity.torch();
    SequencedMap<String, float[]> results = new LinkedHashMap<>();
    try (Libtorch.Scope _ = torch.scope();
        CellSupernet supernet = supernet(backend, partial);
        Tensor labels = Parity.labels(backend, BATCH, CLASSES)) {
      Map<String, Tensor> state = new LinkedHashMap<>(supernet.state());
      SequencedMap<String, float[]> rows = rows(supernet.architecture());
      rows.forEach(
          (path, row) -> state.put(path, Parity.tensor(backend, Shape.of(row.length), row)));
      LayerCode code = new LayerCode((float) CellNetworks.EPSILON, false);
      TorchChain chain =
          new TorchChain(torch, code, into -> CellCode.supernet(into, space(partial)), state);
      rows.keySet().forEach(path -> TorchSupernet.weight(state, path).close());
      float[] images = Parity.nudge(Parity.uniform(seed, IMAGES.size(), -1, 1), nudge);
      NDArray x = torch.load(Kind.IMAGE, images, IMAGES);
      List<NDArray> found = chain.lossGradients(x, torch.labels(labels), 0);
      results.put("loss", torch.read(Kind.PLAIN, found.getFirst()));
      chain
          .read(found.subList(1, found.size()))
          .forEach(
              (path, gradient) -> {
                // Norms of the search have no scale and offset that are trained.
                if (rows.containsKey(path) || supernet.parameters().containsKey(path)) {
                  results.put(path, gradient);
                }
              });
    }
    return results;
  }

  private static SequencedMap<String, float[]> ours(Backend backend, boolean partial, long seed) {
    SequencedMap<String, float[]> results = new LinkedHashMap<>();
    try (CellSupernet supernet = supernet(backend, partial);
        Tensor images = Parity.tensor(backend, IMAGES, Parity.uniform(seed, IMAGES.size(), -1, 1));
        Tensor labels = Parity.labels(backend, BATCH, CLASSES)) {
      supernet.setArchitectureStep(true);
      try (Tape tape = new Tape(backend, Tape.Mode.TRAIN_STATELESS)) {
        Variable logits = supernet.forward(tape, tape.constant(images));
        Variable loss = SoftmaxCrossEntropy.apply(tape, logits, labels, 0);
        results.put("loss", Parity.array(backend, loss.value()));
        tape.backward(loss);
        results.putAll(rows(supernet.gradients(tape)));
      }
      supernet
          .parameters()
          .forEach(
              (path, parameter) -> {
                results.put(path, Parity.array(backend, parameter.gradient()));
                parameter.clearGradient();
              });
    }
    return results;
  }
}
