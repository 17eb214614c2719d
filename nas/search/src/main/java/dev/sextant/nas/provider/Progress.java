package dev.sextant.nas.provider;

import java.util.List;

/**
 * Who is told how far something has come. Called on the thread that does it; must return at once.
 */
public interface Progress {
  /** Nobody. */
  Progress NONE =
      new Progress() {
        @Override
        public void step(String stage, long done, long steps, String status, long peakBytes) {}

        @Override
        public void message(String text) {}
      };

  /**
   * A part of what is to come.
   *
   * @param name as {@link #step} calls it
   * @param work how much it is beside the others, in any unit
   */
  record Stage(String name, double work) {}

  /**
   * Before the first step; who does not tell the time left has no use for it.
   *
   * @param stages all that will come, in order
   */
  default void course(List<Stage> stages) {}

  /**
   * After every step.
   *
   * @param stage such as {@code search} or {@code retrain}
   * @param done steps of {@code steps}
   * @param steps steps of the whole stage
   * @param status loss, accuracy and so on, for a reader
   * @param peakBytes most memory held at once in the last step
   */
  void step(String stage, long done, long steps, String status, long peakBytes);

  /**
   * Something worth a line of its own.
   *
   * @param text one line, without its end
   */
  void message(String text);

  /**
   * {@return one that tells two, the first one first}
   *
   * @param first told
   * @param second told
   */
  static Progress both(Progress first, Progress second) {
    return new Progress() {
      @Override
      public void course(List<Stage> stages) {
        first.course(stages);
        second.course(stages);
      }

      @Override
      public void step(String stage, long done, long steps, String status, long peakBytes) {
        first.step(stage, done, steps, status, peakBytes);
        second.step(stage, done, steps, status, peakBytes);
      }

      @Override
      public void message(String text) {
        first.message(text);
        second.message(text);
      }
    };
  }
}
