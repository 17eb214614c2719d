package dev.sextant.nas.measure;

import dev.sextant.tensor.SextantException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What hosts of a fleet have measured of numbered things, layers or networks. All have measured the
 * anchors; of the others each has measured some.
 *
 * <p>A host whose anchors take longer or shorter than those of most, by more than {@link
 * #TOLERANCE}, is left out: it is another machine, or was disturbed. What stands is the median of
 * the hosts that are left.
 */
public final class HostTimes {
  /** How far the median of a host's anchors may be from that of all hosts. */
  public static final double TOLERANCE = 0.15;

  /** Anchors: enough for a median that one bad measurement does not move. */
  public static final int ANCHORS = 9;

  private final Map<String, Map<Integer, Double>> byHost = new LinkedHashMap<>();

  /** Nothing measured yet. */
  public HostTimes() {}

  /**
   * Takes note of a measurement; the shortest of a host's stands.
   *
   * @param host that has measured
   * @param number of what was measured
   * @param ms its latency
   */
  public void add(String host, int number, double ms) {
    byHost.computeIfAbsent(host, _ -> new LinkedHashMap<>()).merge(number, ms, Math::min);
  }

  /**
   * Numbers of the anchors among so many, spread over all of them.
   *
   * @param count of all things
   * @return whether each is an anchor
   */
  public static boolean[] anchors(int count) {
    boolean[] anchors = new boolean[count];
    for (int i = 0; i < Math.min(ANCHORS, count); i++) {
      anchors[(int) ((long) i * count / Math.min(ANCHORS, count))] = true;
    }
    return anchors;
  }

  /**
   * What the hosts agree on.
   *
   * @param ms by number
   * @param leftOut a sentence for each host that was left out
   * @param spread of what several hosts have measured: mean of (most - least) / median
   * @param hosts that were taken
   */
  public record Agreed(double[] ms, List<String> leftOut, double spread, List<String> hosts) {}

  /**
   * {@return the medians of the hosts that agree}
   *
   * @param count of all things
   * @throws SextantException if nothing is left of one of them
   */
  public Agreed agreed(int count) {
    boolean[] anchors = anchors(count);
    List<String> hosts = new ArrayList<>();
    List<String> leftOut = new ArrayList<>();
    for (String host : byHost.keySet()) {
      double factor = factor(host, anchors);
      if (Math.abs(factor - 1) <= TOLERANCE) {
        hosts.add(host);
      } else {
        leftOut.add(
            String.format(
                Locale.ROOT,
                "%s is left out: what all hosts measure takes %.2f times as long there",
                host,
                factor));
      }
    }
    double[] ms = new double[count];
    double spread = 0;
    int shared = 0;
    for (int i = 0; i < count; i++) {
      List<Double> times = new ArrayList<>();
      for (String host : hosts) {
        Double time = times(host).get(i);
        if (time != null) {
          times.add(time);
        }
      }
      if (times.isEmpty()) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "fleet: no host that agrees with the others has measured number %d (%s)",
                i,
                leftOut.isEmpty() ? "none was left out" : String.join("; ", leftOut)));
      }
      ms[i] = median(times);
      if (times.size() > 1) {
        double most = times.stream().mapToDouble(t -> t).max().orElse(0);
        double least = times.stream().mapToDouble(t -> t).min().orElse(0);
        spread += (most - least) / ms[i];
        shared++;
      }
    }
    return new Agreed(ms, List.copyOf(leftOut), shared == 0 ? 0 : spread / shared, hosts);
  }

  private Map<Integer, Double> times(String host) {
    return byHost.getOrDefault(host, new HashMap<>());
  }

  /** How much longer a host's anchors take than the median of all hosts'. */
  private double factor(String host, boolean[] anchors) {
    List<Double> factors = new ArrayList<>();
    for (int i = 0; i < anchors.length; i++) {
      Double own = times(host).get(i);
      if (anchors[i] && own != null) {
        List<Double> all = new ArrayList<>();
        for (Map<Integer, Double> times : byHost.values()) {
          Double time = times.get(i);
          if (time != null) {
            all.add(time);
          }
        }
        factors.add(own / median(all));
      }
    }
    return factors.isEmpty() ? Double.POSITIVE_INFINITY : median(factors);
  }

  private static double median(List<Double> values) {
    List<Double> sorted = values.stream().sorted().toList();
    int n = sorted.size();
    return (sorted.get((n - 1) / 2) + sorted.get(n / 2)) / 2;
  }
}
