package dev.sextant.nas.checkpoint;

import com.google.gson.JsonObject;

/** Where a run tells what happened: one JSON object an event, in order. */
public interface Events {
  /**
   * Takes note of an event; its fields besides {@code event} depend on the kind.
   *
   * @param event the kind
   * @param fields what else is said of it
   */
  void emit(String event, JsonObject fields);
}
