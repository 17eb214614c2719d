package dev.sextant.runtime.json;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.util.List;

/** Folds runs of equal entries into one with {@code "repeat"}. */
public final class Repeats {
  private Repeats() {}

  /**
   * {@return the entries with every run folded: an entry joins the one before it where it has
   * stride 1 and equals it in all but the stride, which {@code "repeat"} applies to the first only}
   *
   * @param entries one for each layer
   * @param most the longest run
   */
  public static JsonArray fold(List<JsonObject> entries, int most) {
    JsonArray folded = new JsonArray();
    for (int i = 0; i < entries.size(); ) {
      JsonObject first = entries.get(i);
      JsonObject plain = first.deepCopy();
      plain.remove("stride");
      int next = i + 1;
      while (next < entries.size() && next - i < most && entries.get(next).equals(plain)) {
        next++;
      }
      JsonObject entry = first.deepCopy();
      if (next - i > 1) {
        entry.addProperty("repeat", next - i);
      }
      folded.add(entry);
      i = next;
    }
    return folded;
  }
}
