package dev.sextant.nas.compare;

import com.google.gson.annotations.SerializedName;
import dev.sextant.nas.method.RunLength;
import dev.sextant.tensor.SextantException;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.Set;

/**
 * What a comparison does: seeds 1 to {@code seeds} of every method, each run for about the same
 * time.
 *
 * @param asked the options it was asked for with, by name
 * @param data where the images are from
 * @param budgetMs of every network, in milliseconds
 * @param ceiling whether it may be undercut
 * @param seconds of search and retraining together, for one run
 * @param seeds runs of each method
 * @param methods in the order of the table
 */
public record Plan(
    SequencedMap<String, String> asked,
    String data,
    double budgetMs,
    boolean ceiling,
    double seconds,
    int seeds,
    List<Planned> methods) {
  /**
   * A method's part.
   *
   * @param name of its runs
   * @param space that it searches
   * @param random whether it is random search
   * @param parts what its parts were timed to take
   * @param length of each of its runs
   * @param seconds that a run is expected to take
   */
  public record Planned(
      String name,
      String space,
      boolean random,
      PartSeconds parts,
      @SerializedName(value = "length", alternate = "effort") RunLength length,
      double seconds) {}

  /** Copies what was asked, and checks that there is something to do. */
  public Plan {
    asked = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(asked));
    methods = List.copyOf(methods);
    if (seeds < 1) {
      throw new SextantException("seeds: %d is not at least 1".formatted(seeds));
    }
    if (!(seconds > 0) || !(budgetMs > 0) || data == null) {
      throw new SextantException("time, budget or data is missing");
    }
    Set<String> names = new HashSet<>();
    for (Planned method : methods) {
      if (method.name == null || method.length == null || !names.add(method.name)) {
        throw new SextantException("methods: %s is not one that can run".formatted(method));
      }
    }
  }

  /** The folder of a run. */
  static String folder(String name, int seed) {
    return name + "-seed" + seed;
  }
}
