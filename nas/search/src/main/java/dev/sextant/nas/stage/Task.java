package dev.sextant.nas.stage;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.nas.data.Batch;
import dev.sextant.tensor.Tensor;

/**
 * What networks are trained for: how far their outputs are from what is known of a batch's images,
 * and how good they are. Confined to one thread.
 */
interface Task {
  /**
   * Takes up what is known of a batch's images, for all that follows until the next call.
   *
   * @param batch whose images a network is about to see; memory that is taken ends with the tape
   *     that is open
   */
  void take(Batch batch);

  /** {@return the mean loss over the batch's images, recorded} */
  Variable loss(Tape pass, Variable outputs, double smoothing);

  /** {@return the mean loss over the batch's images, nothing smoothed, nothing recorded} */
  double loss(Tensor outputs);

  /** {@return what {@link #right} is, in a word or two} */
  String learnt();

  /** {@return the share that is right, as quick as a step needs it: it is only reported} */
  double right(Tensor outputs);

  /** {@return how good the outputs of this batch alone are, 0 to 1: what is rewarded} */
  double score(Tensor outputs);

  /** Forgets the batches that were judged. */
  void begin();

  /** Judges the outputs of this batch, one more of those since {@link #begin}. */
  void judge(Tensor outputs);

  /** {@return how good they are, of all batches that were judged} */
  double score();
}
