package dev.sextant.bench.libtorch;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.djl.ndarray.NDArray;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.data.scene.Scene;
import dev.sextant.nas.detection.AnchorTargets;
import dev.sextant.nas.detection.GeneratedScenes;
import dev.sextant.nas.detection.MultiboxLoss;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.detection.Anchors;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.IntStream;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** SSD's loss on generated scenes and its gradient, written down in libtorch in double. */
@ExtendWith(Parity.Extension.class)
class MultiboxParityTest {
  private static final String THEIRS =
      """
      rows = torch.view(x, [%1$d, %2$d, %3$d])
      classes = torch.to(labels, 4, False, False, None)
      objects = torch.gt(labels, 0)
      logits = torch.slice(rows, 2, 4, %3$d, 1)
      likely = torch.gather(torch.log_softmax(logits, 2), 2, torch.unsqueeze(classes, 2))
      entropy = torch.neg(torch.squeeze(likely, 2))
      background = torch.masked_fill(entropy, objects, -1.)
      rank = torch.argsort(torch.argsort(background, 1, True), 1)
      most = torch.mul(torch.sum(objects, [1], True), 3)
      hard = torch.logical_and(torch.lt(rank, most), torch.logical_not(objects))
      distance = torch.abs(torch.sub(torch.slice(rows, 2, 0, 4, 1), offsets))
      square = torch.mul(torch.mul(distance, distance), 0.5)
      smooth = torch.where(torch.lt(distance, 1), square, torch.sub(distance, 0.5))
      boxes = torch.sum(torch.mul(torch.sum(smooth, [2]), objects))
      counted = torch.sum(torch.mul(entropy, torch.logical_or(objects, hard)))
      total = torch.div(torch.add(boxes, counted), torch.clamp(torch.sum(objects), 1))
      return [total]
      """;

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void lossAndGradientAgree(long seed) {
    Architecture network = Space.named("detection-small").derive(new int[8]);
    Anchors anchors = Anchors.of(network);
    ImageDataset data = GeneratedScenes.of(6, network.input().height());
    List<Scene> scenes = IntStream.range(0, 4).mapToObj(data.train()::scene).toList();
    AnchorTargets targets = new AnchorTargets(anchors, scenes.size());
    targets.set(scenes);
    int count = anchors.count();
    float[] labels = new float[scenes.size() * count];
    float[] offsets = new float[4 * labels.length];
    for (int i = 0; i < labels.length; i++) {
      labels[i] = targets.label(i / count, i % count);
      for (int j = 0; j < 4 && labels[i] > 0; j++) {
        offsets[4 * i + j] = targets.offset(i / count, i % count, j);
      }
    }
    Shape shape = Shape.of(scenes.size(), count * anchors.numbers());
    float[] predictions = Parity.uniform(seed, shape.size(), -2, 2);
    float[] gradient = new float[predictions.length];
    double loss;
    try (Backend backend = Backend.cpu(1);
        Tape pass = new Tape(backend).open(Tape.Mode.TRAIN)) {
      Tensor values = backend.memory().floats(shape, Category.DATA, "predictions");
      backend.upload(predictions, 0, values);
      Variable x = pass.leaf(values);
      Variable y = new MultiboxLoss(targets).apply(pass, x);
      loss = backend.elementwise().sum(y.value());
      pass.backward(y);
      backend.download(Objects.requireNonNull(x.gradient()), gradient, 0);
    }
    try (Libtorch torch = Libtorch.open(1, Layout.CHANNELS_FIRST, Precision.DOUBLE);
        Libtorch.Scope _ = torch.scope()) {
      NDArray x = torch.load(TensorRole.PLAIN, predictions, shape);
      x.setRequiresGradient(true);
      NDArray y =
          torch
              .script(
                  "x labels offsets",
                  String.format(Locale.ROOT, THEIRS, scenes.size(), count, anchors.numbers()))
              .apply(
                  x,
                  torch.load(TensorRole.PLAIN, labels, Shape.of(scenes.size(), count)),
                  torch.load(TensorRole.PLAIN, offsets, Shape.of(scenes.size(), count, 4)));
      assertEquals(torch.read(TensorRole.PLAIN, y)[0], loss, 1e-5);
      NDArray one = torch.load(TensorRole.PLAIN, new float[] {1}, Shape.of());
      float[] theirs =
          torch.read(
              TensorRole.PLAIN, torch.gradients(List.of(y), List.of(x), List.of(one)).getFirst());
      for (int i = 0; i < gradient.length; i++) {
        assertEquals(theirs[i], gradient[i], 1e-6, "at " + i);
      }
    }
  }
}
