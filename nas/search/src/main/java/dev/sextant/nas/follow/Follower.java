package dev.sextant.nas.follow;

import com.google.gson.JsonObject;

/**
 * What is told every event of a run once, in order, however often the run stops and goes on.
 *
 * <p>Told on the thread of the run.
 */
public interface Follower extends AutoCloseable {
  /**
   * Takes an event.
   *
   * @param event as {@code events.jsonl} has it
   */
  void accept(JsonObject event);

  /** Is told that the run has come to its end: all its files are there. */
  void end();

  @Override
  void close();
}
