package dev.sextant.nas.stage;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.nas.data.Batch;
import dev.sextant.nas.data.scene.Scene;
import dev.sextant.nas.detection.AnchorTargets;
import dev.sextant.nas.detection.MeanAveragePrecision;
import dev.sextant.nas.detection.MultiboxLoss;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.detection.Anchors;
import dev.sextant.runtime.detection.BoxSelection;
import dev.sextant.runtime.detection.Detections;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Predictions of boxes: SSD's loss, and COCO's mean average precision (TuNAS, appendix E.3). What a
 * step reports as right is the share of anchors of objects whose class is the most probable.
 */
final class Detecting implements Task {
  private final Backend backend;
  private final Anchors anchors;
  private final BoxSelection selection;
  private final Detections found = new Detections(MeanAveragePrecision.MOST);
  private final List<Scene> scenes = new ArrayList<>();
  private AnchorTargets targets;
  private MultiboxLoss loss;
  private int room = 1;
  private float[] predictions = new float[0];
  private MeanAveragePrecision precision;

  /** Of networks with the anchors of one. */
  Detecting(Backend backend, Architecture network) {
    this.backend = backend;
    anchors = Anchors.of(network);
    selection = new BoxSelection(anchors, BoxSelection.Limits.EVALUATION);
    precision = new MeanAveragePrecision(anchors.classes());
    targets = new AnchorTargets(anchors, room);
    loss = new MultiboxLoss(targets);
  }

  @Override
  public void take(Batch batch) {
    if (batch.count() > room) {
      room = batch.count();
      targets = new AnchorTargets(anchors, room);
      loss = new MultiboxLoss(targets);
    }
    scenes.clear();
    scenes.addAll(batch.scenes());
    targets.set(scenes);
  }

  @Override
  public Variable loss(Tape pass, Variable outputs, double smoothing) {
    return loss.apply(pass, outputs);
  }

  @Override
  public double loss(Tensor outputs) {
    return loss.value(backend, outputs);
  }

  @Override
  public String learnt() {
    return "anchors right";
  }

  @Override
  public double right(Tensor outputs) {
    return loss.right(backend, outputs);
  }

  @Override
  public double score(Tensor outputs) {
    MeanAveragePrecision alone = new MeanAveragePrecision(anchors.classes());
    judge(outputs, alone);
    return orNothing(alone);
  }

  @Override
  public void begin() {
    precision = new MeanAveragePrecision(anchors.classes());
  }

  @Override
  public void judge(Tensor outputs) {
    judge(outputs, precision);
  }

  @Override
  public double score() {
    return orNothing(precision);
  }

  /** Where nothing is to be found, nothing can be found. */
  private static double orNothing(MeanAveragePrecision of) {
    double value = of.value();
    return Double.isNaN(value) ? 0 : value;
  }

  private void judge(Tensor outputs, MeanAveragePrecision into) {
    if (predictions.length < outputs.size()) {
      predictions = new float[outputs.size()];
    }
    backend.download(outputs, predictions, 0);
    int numbers = outputs.size() / scenes.size();
    for (int i = 0; i < scenes.size(); i++) {
      Scene scene = scenes.get(i);
      selection.select(predictions, i * numbers, scene.width(), scene.height(), found);
      into.add(found, scene);
    }
  }
}
