package dev.sextant.runtime.service;

/**
 * Is told of every request of a {@link ModelPool} when it ends, by the thread that made it:
 * counters and histograms. Called by many threads at a time, and must be quick.
 */
public interface RequestListener {
  /** How a request ended. */
  enum Outcome {
    /** With logits. */
    ANSWERED,
    /** No model was free in time, or too many waited. */
    OVERLOADED,
    /** The request was at fault, or the pool closed. */
    FAILED
  }

  /** Hears nothing. */
  RequestListener NONE = (model, outcome, queued, total) -> {};

  /**
   * A request has ended.
   *
   * @param model the network's name
   * @param outcome how it ended
   * @param queued ns until a model was free, or was given up
   * @param total ns from the call to its end
   */
  void ended(String model, Outcome outcome, long queued, long total);
}
