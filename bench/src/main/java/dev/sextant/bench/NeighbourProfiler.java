package dev.sextant.bench;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.Collection;
import java.util.List;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.infra.IterationParams;
import org.openjdk.jmh.profile.InternalProfiler;
import org.openjdk.jmh.results.AggregationPolicy;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.ScalarResult;

/**
 * How many processors other processes kept busy while a fork was measured. Above about nothing its
 * time says little: both engines split a step among all processors and wait for the slowest.
 */
public final class NeighbourProfiler implements InternalProfiler {
  /** The result's name. */
  static final String NAME = "neighbours";

  private final OperatingSystemMXBean system =
      ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);

  /** For JMH. */
  public NeighbourProfiler() {}

  @Override
  public String getDescription() {
    return "Processors that other processes keep busy";
  }

  @Override
  public void beforeIteration(BenchmarkParams benchmark, IterationParams iteration) {
    busyWithOthers();
  }

  @Override
  public Collection<ScalarResult> afterIteration(
      BenchmarkParams benchmark, IterationParams iteration, IterationResult result) {
    return List.of(new ScalarResult(NAME, busyWithOthers(), "processors", AggregationPolicy.AVG));
  }

  /** Since the last call; 0 where that is not known. */
  private double busyWithOthers() {
    double others = system.getCpuLoad() - system.getProcessCpuLoad();
    return Double.isNaN(others)
        ? 0
        : Math.max(0, others) * Runtime.getRuntime().availableProcessors();
  }
}
