package dev.sextant.nas.stage;

import dev.sextant.nas.checkpoint.Checkpoint;
import dev.sextant.nas.run.StageName;

/**
 * A part of a run that goes step by step, can be saved after any step, and continued from there.
 */
public interface RunStage extends AutoCloseable {
  /** {@return what events and progress call it} */
  StageName name();

  /** {@return steps in all} */
  long steps();

  /** {@return steps done} */
  long done();

  /** Does the next step; there must be one. */
  void step();

  /**
   * {@return what the live line shows after the last step, as in {@code loss 1.204 accuracy 61.2%}}
   */
  String status();

  /**
   * Saves everything that the next step depends on.
   *
   * @param checkpoint that is being made
   */
  void save(Checkpoint checkpoint);

  /**
   * Continues from what {@link #save} saved.
   *
   * @param checkpoint with the state of this stage
   */
  void load(Checkpoint checkpoint);

  /** Frees tensors and threads. Idempotent. */
  @Override
  void close();
}
