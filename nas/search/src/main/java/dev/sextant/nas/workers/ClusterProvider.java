package dev.sextant.nas.workers;

import dev.sextant.tensor.SextantException;
import java.util.Locale;
import java.util.ServiceLoader;

/** Where clusters come from: a module beside the search, found by {@link ServiceLoader}. */
public interface ClusterProvider {
  /**
   * Connects to a cluster.
   *
   * @param master its address, as in {@code spark://HOST:7077} or {@code local[2]}
   * @param threads that each task is given
   * @return the cluster, to be closed
   * @throws SextantException if it cannot be reached
   */
  Cluster connect(String master, int threads);

  /**
   * {@return the provider there is}
   *
   * @param master the address that was asked for
   * @throws SextantException if there is none, saying how to get one
   */
  static ClusterProvider find(String master) {
    return ServiceLoader.load(ClusterProvider.class)
        .findFirst()
        .orElseThrow(
            () ->
                new SextantException(
                    String.format(
                        Locale.ROOT,
                        "master %s: Sextant's Spark part is not on the class path: start sextant"
                            + " from the archive whose name ends in -spark (nas/spark/README.md)",
                        master)));
  }

  /**
   * Connects to a cluster by the provider there is.
   *
   * @param master its address
   * @param threads that each task is given
   * @return the cluster, to be closed
   * @throws SextantException as {@link #find} and {@link #connect} do
   */
  static Cluster open(String master, int threads) {
    return find(master).connect(master, threads);
  }
}
