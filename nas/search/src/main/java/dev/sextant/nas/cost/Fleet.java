package dev.sextant.nas.cost;

import dev.sextant.nas.measure.HostTimes;
import dev.sextant.nas.measure.Machine;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.workers.Cluster;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Latency;
import dev.sextant.runtime.LatencyMeter;
import dev.sextant.runtime.LatencyProfile;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.SextantException;
import java.io.Serializable;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.SequencedMap;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;

/**
 * Latencies that the machines of a cluster measure together: each some of the networks, and all of
 * them the anchors ({@link HostTimes}).
 *
 * @param cluster whose machines measure, each alone on its machine
 * @param device where networks run
 * @param threads of inference
 * @param seconds most time for warming up, and again for measuring
 * @param told of what is found about the machines, a line each
 */
public record Fleet(
    Cluster cluster, Device device, int threads, double seconds, Consumer<String> told) {
  /** On how many machines everything is measured, where there are as many. */
  private static final int COPIES = 3;

  /** How often a machine goes over its share; the shortest median stands. */
  private static final int PASSES = 2;

  /** Spread between machines beyond which a table is no table of all of them. */
  private static final double WIDE = 0.1;

  /** Numbered things that take a time. */
  private interface Things extends Serializable {
    int count();

    Latency measure(int number, LatencyProfile profile);
  }

  /** The layers of a space, by the place that they have in its table. */
  private record Layers(String space, int batch) implements Things {
    private List<LatencyTable.Key> keys() {
      return LatencyProfiler.keys(Space.parse(space, "fleet"));
    }

    @Override
    public int count() {
      return keys().size();
    }

    @Override
    public Latency measure(int number, LatencyProfile profile) {
      LatencyTable.Key key = keys().get(number);
      return profile.layer(key.layer(), key.input().withBatch(batch));
    }
  }

  /** Networks, as JSON. */
  private record Networks(List<String> networks, int batch) implements Things {
    static Networks of(List<Architecture> networks, int batch) {
      return new Networks(networks.stream().map(Architecture::toJson).toList(), batch);
    }

    @Override
    public int count() {
      return networks.size();
    }

    @Override
    public Latency measure(int number, LatencyProfile profile) {
      return profile.network(Architecture.parse(networks.get(number), "fleet"), batch);
    }
  }

  /**
   * {@return the median latency of each network in milliseconds}
   *
   * @param networks to be measured
   * @param batch images at once
   * @throws SextantException if a machine cannot measure its share, or none is left that agrees
   *     with the others
   */
  public double[] measure(List<Architecture> networks, int batch) {
    return measure(Networks.of(networks, batch));
  }

  /**
   * {@return the table of a space, by all machines that agree}
   *
   * @param space whose layers and networks are measured
   * @param batch images at once
   * @param networks random networks to calibrate on, at least 2
   * @param seed of the random networks
   * @throws SextantException as {@link #measure}
   */
  public LatencyTable table(Space space, int batch, int networks, long seed) {
    double[] ms = measure(new Layers(space.toJson(), batch));
    SequencedMap<LatencyTable.Key, LatencyTable.Entry> entries = new LinkedHashMap<>();
    List<LatencyTable.Key> keys = LatencyProfiler.keys(space);
    for (int i = 0; i < ms.length; i++) {
      entries.put(keys.get(i), new LatencyTable.Entry(ms[i], ms[i], 1));
    }
    LatencyTable table =
        new LatencyTable(
            new LatencyTable.Setting(
                String.format(
                    Locale.ROOT,
                    "median of %d machines such as %s",
                    cluster.machines(),
                    Machine.identity()),
                LatencyProfiler.RUNTIME,
                device.toString(),
                threads,
                batch),
            0,
            1,
            entries);
    List<Architecture> drawn = LatencyProfiler.spread(table, space, networks, seed);
    LatencyTable fitted = LatencyProfiler.fit(table, drawn, measure(drawn, batch));
    List<String> doubts = new ArrayList<>();
    String scale = TableJudgement.scaleDoubt(fitted.scale());
    if (scale != null) {
      doubts.add(scale);
    }
    doubts.addAll(TableJudgement.doubts(entries));
    return fitted.withDoubts(doubts);
  }

  private double[] measure(Things things) {
    int count = things.count();
    int machines = cluster.machines();
    boolean[] anchors = HostTimes.anchors(count);
    List<Share> shares = new ArrayList<>();
    for (int machine = 0; machine < machines; machine++) {
      List<Integer> numbers = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        if (anchors[i] || Math.floorMod(machine - i, machines) < Math.min(COPIES, machines)) {
          numbers.add(i);
        }
      }
      shares.add(new Share(List.copyOf(numbers), things, device.toString(), threads, seconds));
    }
    HostTimes times = new HostTimes();
    Set<String> identities = new TreeSet<>();
    cluster.each(
        shares,
        true,
        (task, answer, failure) -> {
          if (answer == null) {
            throw new SextantException("fleet: " + failure);
          }
          List<String> lines = answer.lines().toList();
          identities.add(lines.get(1));
          for (String line : lines.subList(2, lines.size())) {
            int blank = line.indexOf(' ');
            times.add(
                lines.getFirst(),
                Integer.parseInt(line.substring(0, blank)),
                Double.parseDouble(line.substring(blank + 1)));
          }
        });
    HostTimes.Agreed agreed = times.agreed(count);
    identities.forEach(identity -> told.accept("machine   " + identity));
    agreed.leftOut().forEach(sentence -> told.accept("host      " + sentence));
    told.accept(
        String.format(
            Locale.ROOT,
            "hosts     %d agree (%s); their times of the same things differ by %.1f %%%s",
            agreed.hosts().size(),
            String.join(", ", agreed.hosts()),
            100 * agreed.spread(),
            agreed.spread() > WIDE ? ", which is much" : ""));
    return agreed.ms();
  }

  /**
   * One machine's share.
   *
   * @param numbers of what it measures
   * @param things all of them
   */
  private record Share(
      List<Integer> numbers, Things things, String device, int threads, double seconds)
      implements Cluster.Task {
    @Override
    public String run(int attempt) {
      Duration limit = Duration.ofNanos((long) (seconds * 1e9));
      LatencyProfile profile =
          new LatencyProfile(
              Device.parse(device),
              threads,
              new LatencyMeter(0.02, limit, limit, Duration.ofSeconds(2)));
      double[] least = new double[numbers.size()];
      Arrays.fill(least, Double.POSITIVE_INFINITY);
      for (int pass = 0; pass < PASSES; pass++) {
        for (int i = 0; i < least.length; i++) {
          least[i] = Math.min(least[i], things.measure(numbers.get(i), profile).medianMs());
        }
      }
      StringBuilder text = new StringBuilder();
      text.append(Machine.host()).append('\n').append(Machine.identity()).append('\n');
      for (int i = 0; i < least.length; i++) {
        text.append(numbers.get(i)).append(' ').append(least[i]).append('\n');
      }
      return text.toString();
    }
  }
}
