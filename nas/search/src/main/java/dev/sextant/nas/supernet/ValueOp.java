package dev.sextant.nas.supernet;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.ops.Concat;
import dev.sextant.autograd.ops.Reshape;
import dev.sextant.tensor.Shape;
import java.util.List;

/** One op of a {@link LayerModule} on values by their index in the layer's graph. */
interface ValueOp {
  /** The output, which the caller releases. */
  Variable run(Tape tape, Variable[] values);

  /**
   * Channels of n values in turn. Channels come last, so that these are n columns of a matrix side
   * by side: a copy for each value, where a concatenation and {@code ShuffleChannels} would make
   * one for each channel.
   */
  final class Interleaving implements ValueOp {
    private final List<Integer> inputs;
    private final Variable[] parts;

    /** Of the pass before, so that a loop over batches of one size makes none. */
    private Shape shape = Shape.of(0);

    private Shape column = shape;
    private Shape whole = shape;

    Interleaving(List<Integer> inputs) {
      this.inputs = inputs;
      parts = new Variable[inputs.size()];
    }

    @Override
    public Variable run(Tape tape, Variable[] values) {
      for (int i = 0; i < parts.length; i++) {
        parts[i] = values[inputs.get(i)];
      }
      if (!parts[0].shape().equals(shape)) {
        shape = parts[0].shape();
        column = Shape.of(shape.size(), 1);
        whole = shape.withChannels(parts.length * shape.channels());
      }
      for (int i = 0; i < parts.length; i++) {
        parts[i] = Reshape.apply(tape, parts[i], column);
      }
      Variable columns = Concat.apply(tape, parts);
      for (Variable part : parts) {
        part.release();
      }
      Variable y = Reshape.apply(tape, columns, whole);
      columns.release();
      return y;
    }
  }

  /** Predictions of boxes and of classes side by side, anchor by anchor. */
  final class AnchorRows implements ValueOp {
    private final int anchors;
    private final List<Integer> inputs;

    /** Of the pass before, so that a loop over batches of one size makes none. */
    private int count;

    private Shape boxes = Shape.of(0);
    private Shape scores = boxes;
    private Shape whole = boxes;

    AnchorRows(int anchors, List<Integer> inputs) {
      this.anchors = anchors;
      this.inputs = inputs;
    }

    @Override
    public Variable run(Tape tape, Variable[] values) {
      Variable x = values[inputs.get(0)];
      Variable y = values[inputs.get(1)];
      if (x.shape().size() != count * boxes.channels()) {
        int columns = x.shape().channels() / anchors;
        count = x.shape().size() / columns;
        boxes = Shape.of(count, columns);
        scores = Shape.of(count, y.shape().channels() / anchors);
        int images = x.shape().get(0);
        whole = Shape.of(images, count / images * (columns + scores.channels()));
      }
      Variable left = Reshape.apply(tape, x, boxes);
      Variable right = Reshape.apply(tape, y, scores);
      Variable both = Concat.apply(tape, left, right);
      left.release();
      right.release();
      Variable rows = Reshape.apply(tape, both, whole);
      both.release();
      return rows;
    }
  }
}
