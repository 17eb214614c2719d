package dev.sextant.runtime;

import dev.sextant.tensor.SextantException;
import java.util.Locale;

/**
 * How long one run takes, in milliseconds.
 *
 * @param medianMs the median of the samples that other processes did not disturb
 * @param p90Ms the 90th percentile of all samples
 * @param p99Ms the 99th percentile of all samples
 * @param count samples that the median rests on
 * @param relativeInterval width of the 95 % confidence interval of the median, divided by the
 *     median; of repeated measurements also how far apart their least medians are
 */
public record Latency(
    double medianMs, double p90Ms, double p99Ms, int count, double relativeInterval) {
  /** Wider, and others were at work: what is left of the median is a guess. */
  private static final double DOUBTFUL = 0.15;

  /** What takes no time because nothing is done. */
  public static final Latency NOTHING = new Latency(0, 0, 0, 0, 0);

  /** Which of the numbers stands for the latency. */
  public enum Percentile {
    /** The median. */
    P50,
    /** What nine runs in ten keep. */
    P90,
    /** What all but one run in a hundred keep: the tail that a service answers for. */
    P99;

    /** {@return as it is written, such as {@code p99}} */
    public String text() {
      return name().toLowerCase(Locale.ROOT);
    }

    /**
     * {@return the percentile of that text}
     *
     * @param text such as {@code p99}
     * @throws SextantException if it is none of these
     */
    public static Percentile parse(String text) {
      for (Percentile percentile : values()) {
        if (percentile.text().equals(text)) {
          return percentile;
        }
      }
      throw new SextantException("percentile: '" + text + "' is none of p50, p90, p99");
    }
  }

  /**
   * {@return that percentile in ms}
   *
   * @param percentile which of them
   */
  public double ms(Percentile percentile) {
    return switch (percentile) {
      case P50 -> medianMs;
      case P90 -> p90Ms;
      case P99 -> p99Ms;
    };
  }

  /**
   * {@return whether the measurement disagrees with itself, as where other processes disturb it}
   */
  public boolean isDoubtful() {
    return relativeInterval > DOUBTFUL;
  }

  /**
   * This one, as far off as the next one says that it is; its tail is the shorter one, as others at
   * work only ever add to it.
   */
  Latency andAgain(Latency next) {
    double apart = medianMs == 0 ? 0 : (next.medianMs - medianMs) / medianMs;
    return new Latency(
        medianMs,
        Math.min(p90Ms, next.p90Ms),
        Math.min(p99Ms, next.p99Ms),
        count,
        Math.max(relativeInterval, apart));
  }

  /** The same for one of {@code parts} equal parts of a run. */
  Latency dividedBy(int parts) {
    return new Latency(medianMs / parts, p90Ms / parts, p99Ms / parts, count, relativeInterval);
  }
}
