package dev.sextant.serve;

import dev.sextant.runtime.service.RequestListener;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BiConsumer;
import org.HdrHistogram.ConcurrentHistogram;

/**
 * Counts the requests of each model and keeps the times of those that were answered in histograms
 * (HdrHistogram, to 1 % from a microsecond to a minute). Safe for any number of threads.
 */
public final class RequestStatistics implements RequestListener {
  private static final long MOST_MICROS = TimeUnit.MINUTES.toMicros(1);
  private static final double[] QUANTILES = {0.5, 0.9, 0.99, 0.999};

  /** Upper bounds in ms of the buckets that Prometheus is told. */
  private static final double[] BUCKETS = {
    0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000
  };

  private final Map<String, Times> models = new ConcurrentSkipListMap<>();

  /** Nothing was asked yet. */
  public RequestStatistics() {}

  private static final class Times {
    private final ConcurrentHistogram micros = new ConcurrentHistogram(1, MOST_MICROS, 2);
    private final LongAdder nanos = new LongAdder();
    private final LongAdder queued = new LongAdder();
    private final Map<Outcome, LongAdder> counts = new EnumMap<>(Outcome.class);

    Times() {
      for (Outcome outcome : Outcome.values()) {
        counts.put(outcome, new LongAdder());
      }
    }

    LongAdder count(Outcome outcome) {
      return Objects.requireNonNull(counts.get(outcome));
    }
  }

  @Override
  public void ended(String model, Outcome outcome, long queued, long total) {
    Times times = times(model);
    times.count(outcome).increment();
    if (outcome == Outcome.ANSWERED) {
      times.micros.recordValue(Math.clamp(total / 1000, 1, MOST_MICROS));
      times.nanos.add(total);
      times.queued.add(queued);
    }
  }

  private Times times(String model) {
    Times times = models.get(model);
    return times != null ? times : models.computeIfAbsent(model, name -> new Times());
  }

  /**
   * {@return requests of a model so far}
   *
   * @param model the network's name
   * @param outcome how they ended
   */
  public long count(String model, Outcome outcome) {
    return times(model).count(outcome).sum();
  }

  /**
   * {@return the time in ms within which that part of the requests was answered, waiting included;
   * 0 where none was}
   *
   * @param model the network's name
   * @param part such as 0.99
   */
  public double quantileMs(String model, double part) {
    return times(model).micros.getValueAtPercentile(100 * part) / 1e3;
  }

  /** {@return all of it as Prometheus reads it, in its text format 0.0.4} */
  public String prometheus() {
    StringBuilder text = new StringBuilder();
    head(text, "sextant_requests_total", "counter", "Requests by how they ended.");
    models.forEach(
        (model, times) ->
            times.counts.forEach(
                (outcome, count) ->
                    line(
                        text,
                        "sextant_requests_total",
                        model,
                        "outcome=\"" + outcome.name().toLowerCase(Locale.ROOT) + "\"",
                        Long.toString(count.sum()))));
    head(
        text,
        "sextant_request_seconds",
        "histogram",
        "From the call until the answer, waiting included, of answered requests.");
    models.forEach(histogram(text));
    head(
        text,
        "sextant_request_quantile_seconds",
        "gauge",
        "Quantiles of sextant_request_seconds since the start.");
    models.forEach(
        (model, times) -> {
          for (double quantile : QUANTILES) {
            line(
                text,
                "sextant_request_quantile_seconds",
                model,
                "quantile=\"" + quantile + "\"",
                seconds(times.micros.getValueAtPercentile(100 * quantile) * 1000.0));
          }
        });
    head(
        text,
        "sextant_queue_seconds_total",
        "counter",
        "Time that answered requests waited for a free model.");
    models.forEach(
        (model, times) ->
            line(text, "sextant_queue_seconds_total", model, "", seconds(times.queued.sum())));
    return text.toString();
  }

  private static BiConsumer<String, Times> histogram(StringBuilder text) {
    String name = "sextant_request_seconds";
    return (model, times) -> {
      // A copy, so that buckets and count agree.
      ConcurrentHistogram micros = times.micros.copy();
      for (double bucket : BUCKETS) {
        line(
            text,
            name + "_bucket",
            model,
            "le=\"" + bucket / 1000 + "\"",
            Long.toString(micros.getCountBetweenValues(0, (long) (bucket * 1000))));
      }
      String count = Long.toString(micros.getTotalCount());
      line(text, name + "_bucket", model, "le=\"+Inf\"", count);
      line(text, name + "_sum", model, "", seconds(times.nanos.sum()));
      line(text, name + "_count", model, "", count);
    };
  }

  private static String seconds(double nanos) {
    return Double.toString(nanos / 1e9);
  }

  static void head(StringBuilder text, String name, String type, String help) {
    text.append("# HELP ").append(name).append(' ').append(help).append('\n');
    text.append("# TYPE ").append(name).append(' ').append(type).append('\n');
  }

  static void line(StringBuilder text, String name, String model, String label, String value) {
    text.append(name).append("{model=\"");
    text.append(model.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n"));
    text.append('"').append(label.isEmpty() ? "" : ",").append(label).append("} ");
    text.append(value).append('\n');
  }
}
