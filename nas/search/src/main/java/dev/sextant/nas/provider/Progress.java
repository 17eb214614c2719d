package dev.sextant.nas.provider;

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
}
