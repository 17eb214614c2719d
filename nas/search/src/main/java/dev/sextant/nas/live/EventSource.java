package dev.sextant.nas.live;

import com.google.gson.JsonObject;
import java.util.List;

/** What one open page is sent. */
interface EventSource {
  /** What is new since the last call, as server-sent events. */
  List<String> next();

  /** A server-sent event whose data is one JSON object: its text has no line ends. */
  static String event(String name, JsonObject data) {
    return "event: " + name + "\ndata: " + data + "\n\n";
  }
}
