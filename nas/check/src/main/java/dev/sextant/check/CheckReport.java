package dev.sextant.check;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.sextant.tensor.Memory;
import java.util.List;
import java.util.Locale;

/** The report of {@code gpu-check} for a reader. */
final class CheckReport {
  private CheckReport() {}

  /** The text of what was found so far. */
  static String text(JsonObject report) {
    StringBuilder text = new StringBuilder();
    for (String key : List.of("device", "description", "java", "system", "time")) {
      line(text, "%-12s%s", key, report.get(key).getAsString());
    }
    if (report.get("quick").getAsBoolean()) {
      line(text, "quick: tiny operands, each once; the times below say nothing of speed");
    }
    suite(text, report, "contract");
    suite(text, report, "gradients");
    found(text, report, "models");
    found(text, report, "search");
    kernels(text, report.get("kernels"));
    steps(text, report.get("steps"));
    return text.toString();
  }

  private static void line(StringBuilder text, String format, Object... values) {
    text.append(String.format(Locale.ROOT, format, values)).append('\n');
  }

  private static void suite(StringBuilder text, JsonObject report, String part) {
    if (report.has(part)) {
      JsonObject found = report.getAsJsonObject(part);
      if (found.has("cases")) {
        line(
            text,
            "%-12s%d of %d cases passed in %.1f s",
            part,
            found.get("passed").getAsLong(),
            found.get("cases").getAsLong(),
            found.get("seconds").getAsDouble());
      }
      failures(text, found);
    }
  }

  private static void failures(StringBuilder text, JsonObject found) {
    if (found.has("error")) {
      line(text, "  ERROR %s", found.get("error").getAsString());
    } else {
      found
          .getAsJsonArray("failures")
          .forEach(failure -> line(text, "  FAILED %s", failure.getAsString()));
    }
  }

  private static void found(StringBuilder text, JsonObject report, String part) {
    if (report.has(part)) {
      JsonObject found = report.getAsJsonObject(part);
      for (String key : found.keySet()) {
        if (!key.equals("failures") && !key.equals("error")) {
          line(text, "%-12s%s %s", part, key, found.get(key));
        }
      }
      failures(text, found);
    }
  }

  private static void kernels(StringBuilder text, JsonElement found) {
    if (found == null) {
      return;
    }
    if (found.isJsonObject()) {
      failures(text, found.getAsJsonObject());
      return;
    }
    line(text, "%n%-44s%10s%10s%10s%9s", "kernels", "ms", "GB/s", "GFLOP/s", "of copy");
    for (JsonElement element : found.getAsJsonArray()) {
      JsonObject kernel = element.getAsJsonObject();
      line(
          text,
          "%-44s%10.4f%10.1f%10.1f%8.1f%%  %s",
          kernel.get("work").getAsString(),
          kernel.get("ms").getAsDouble(),
          kernel.get("gigabytesPerSecond").getAsDouble(),
          kernel.get("gigaflopsPerSecond").getAsDouble(),
          100 * kernel.get("shareOfCopy").getAsDouble(),
          String.join(
              " ",
              kernel.getAsJsonArray("kernels").asList().stream()
                  .map(JsonElement::getAsString)
                  .toList()));
    }
  }

  private static void steps(StringBuilder text, JsonElement found) {
    if (found == null) {
      return;
    }
    if (found.isJsonObject()) {
      failures(text, found.getAsJsonObject());
      return;
    }
    line(
        text,
        "%n%-22s%-34s%6s%12s%14s%14s",
        "supernet steps",
        "step",
        "batch",
        "ms",
        "peak",
        "act. + work");
    for (JsonElement element : found.getAsJsonArray()) {
      JsonObject step = element.getAsJsonObject();
      line(
          text,
          "%-22s%-34s%6d%12.3f%14s%14s",
          step.get("space").getAsString(),
          step.get("step").getAsString(),
          step.get("batch").getAsInt(),
          step.get("ms").getAsDouble(),
          Memory.human(step.get("peakBytes").getAsLong()),
          Memory.human(step.get("transientPeakBytes").getAsLong()));
    }
  }
}
