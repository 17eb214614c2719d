package dev.sextant.nas.train;

import dev.sextant.nas.data.Images;
import dev.sextant.nas.data.scene.Scene;
import dev.sextant.nas.detection.MeanAveragePrecision;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.detection.Anchors;
import dev.sextant.runtime.detection.BoxSelection;
import dev.sextant.runtime.detection.Detections;
import java.util.ArrayList;
import java.util.List;

/** Takes a network's outputs, image by image. */
sealed interface Judge {
  /** Takes those of an image. */
  void image(int index, float[] numbers, int from);

  /** {@return what they come to} */
  Evaluation result();

  /** Of a classifier. */
  final class Largest implements Judge {
    private final Images images;
    private final int classes;
    private final int[] labels;
    private int right;

    Largest(Architecture architecture, Images images) {
      this.images = images;
      classes = architecture.classes();
      labels = new int[images.count()];
    }

    @Override
    public void image(int index, float[] logits, int from) {
      int best = 0;
      for (int i = 1; i < classes; i++) {
        if (logits[from + i] > logits[from + best]) {
          best = i;
        }
      }
      labels[index] = best;
      right += best == images.label(index) ? 1 : 0;
    }

    @Override
    public Evaluation result() {
      return new Evaluation.Labels(labels, (double) right / labels.length);
    }
  }

  /** Of a detector. */
  final class Boxes implements Judge {
    private final Images images;
    private final MeanAveragePrecision precision;
    private final BoxSelection all;
    private final BoxSelection sure;
    private final Detections found = new Detections(MeanAveragePrecision.MOST);
    private final List<Scene> shown = new ArrayList<>();

    Boxes(Architecture architecture, Images images) {
      this.images = images;
      Anchors anchors = Anchors.of(architecture);
      precision = new MeanAveragePrecision(architecture.classes());
      all = new BoxSelection(anchors, BoxSelection.Limits.EVALUATION);
      sure = new BoxSelection(anchors, BoxSelection.Limits.DEFAULT);
    }

    @Override
    public void image(int index, float[] predictions, int from) {
      Scene scene = images.scene(index);
      all.select(predictions, from, scene.width(), scene.height(), found);
      precision.add(found, scene);
      if (index < Evaluation.SHOWN) {
        sure.select(predictions, from, scene.width(), scene.height(), found);
        List<Scene.Item> items = new ArrayList<>();
        for (int i = 0; i < found.count(); i++) {
          if (found.left(i) < found.right(i) && found.top(i) < found.bottom(i)) {
            items.add(
                new Scene.Item(
                    found.label(i), found.left(i), found.top(i), found.right(i), found.bottom(i)));
          }
        }
        shown.add(new Scene(scene.width(), scene.height(), items));
      }
    }

    @Override
    public Evaluation result() {
      return new Evaluation.Objects(precision, List.copyOf(shown));
    }
  }
}
