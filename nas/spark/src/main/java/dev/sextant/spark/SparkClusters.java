package dev.sextant.spark;

import dev.sextant.nas.workers.Cluster;
import dev.sextant.nas.workers.ClusterProvider;
import dev.sextant.tensor.SextantException;
import java.util.Locale;
import java.util.stream.Collectors;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;

/** Spark's clusters, found by {@link java.util.ServiceLoader}. */
public final class SparkClusters implements ClusterProvider {
  /** Begins the names of the system properties that executors get too. */
  private static final String OWN = "sextant.";

  /** For {@link java.util.ServiceLoader}. */
  public SparkClusters() {}

  @Override
  public Cluster connect(String master, int threads) {
    try {
      return new SparkCluster(new JavaSparkContext(conf(master, threads)));
    } catch (RuntimeException e) {
      throw new SextantException(
          String.format(Locale.ROOT, "master %s: cannot be reached (%s)", master, firstLine(e)), e);
    }
  }

  private static SparkConf conf(String master, int threads) {
    SparkConf conf = new SparkConf(true).setAppName("sextant").setMaster(master);
    conf.setIfMissing("spark.ui.enabled", "false");
    conf.setIfMissing("spark.task.cpus", String.valueOf(threads));
    if (!master.startsWith("local")) {
      // One run in a process: what measures latency takes its own process for quiet.
      conf.setIfMissing("spark.executor.cores", String.valueOf(threads));
    }
    // A run has one writer.
    conf.set("spark.speculation", "false");
    conf.setIfMissing("spark.task.maxFailures", "4");
    // How soon a lost worker's place is asked for again; Spark's 15 s is for slower work.
    conf.setIfMissing("spark.scheduler.barrier.maxConcurrentTasksCheck.interval", "1s");
    // Executors find the same files where the driver does. Spark's own options have the vectors.
    conf.setIfMissing("spark.executor.extraClassPath", System.getProperty("java.class.path"));
    String properties =
        System.getProperties().stringPropertyNames().stream()
            .filter(name -> name.startsWith(OWN))
            .sorted()
            .map(name -> "\"-D" + name + "=" + System.getProperty(name) + "\"")
            .collect(Collectors.joining(" "));
    conf.set(
        "spark.executor.extraJavaOptions",
        (conf.get("spark.executor.extraJavaOptions", "") + " " + properties).strip());
    return conf;
  }

  static String firstLine(Throwable e) {
    return String.valueOf(e.getMessage()).strip().lines().findFirst().orElse("");
  }
}
