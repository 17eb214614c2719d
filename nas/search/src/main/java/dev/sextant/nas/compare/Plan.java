package dev.sextant.nas.compare;

import com.google.gson.annotations.SerializedName;
import dev.sextant.nas.method.RunLength;
import dev.sextant.nas.run.FileName;
import dev.sextant.tensor.SextantException;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
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
  /** Most runs of each method. */
  public static final int MAX_SEEDS = 1000;

  private static final int MAX_METHODS = 100;

  /** Seconds of a run, and milliseconds of a budget. */
  private static final double LONGEST = 1e9;

  /**
   * A method's part.
   *
   * @param name of its runs
   * @param space that it searches
   * @param random whether it has no supernet: random search, or a training-free score alone
   * @param parts what its parts were timed to take
   * @param length of each of its runs
   * @param seconds that a run is expected to take
   * @param prior whether it takes the best network by a training-free score
   */
  public record Planned(
      String name,
      String space,
      boolean random,
      PartSeconds parts,
      @SerializedName(value = "length", alternate = "effort") RunLength length,
      double seconds,
      boolean prior) {
    /** Checks what a file may lack. */
    public Planned {
      if (name == null || name.isBlank() || space == null || parts == null || length == null) {
        throw new SextantException(
            String.format(Locale.ROOT, "methods: %s lacks a part that a run needs", name));
      }
      if (!(seconds >= 0 && seconds <= LONGEST)) {
        throw new SextantException(
            String.format(Locale.ROOT, "methods: %s: %s seconds are out of range", name, seconds));
      }
    }

    /** {@return whether it is random search} */
    public boolean isRandomSearch() {
      return random && !prior;
    }
  }

  /** Copies what was asked, and checks that there is something to do. */
  public Plan {
    if (seeds < 1 || seeds > MAX_SEEDS) {
      throw new SextantException(
          String.format(Locale.ROOT, "seeds: %d is not between 1 and %d", seeds, MAX_SEEDS));
    }
    if (asked == null
        || methods == null
        || data == null
        || methods.stream().anyMatch(Objects::isNull)) {
      throw new SextantException("what was asked, methods or data are missing");
    }
    if (!(seconds > 0 && seconds <= LONGEST) || !(budgetMs > 0 && budgetMs <= LONGEST)) {
      throw new SextantException(
          String.format(
              Locale.ROOT, "time %s s or budget %s ms is out of range", seconds, budgetMs));
    }
    if (methods.isEmpty() || methods.size() > MAX_METHODS) {
      throw new SextantException(
          String.format(
              Locale.ROOT, "methods: %d is not between 1 and %d", methods.size(), MAX_METHODS));
    }
    asked = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(asked));
    methods = List.copyOf(methods);
    Set<String> names = new HashSet<>();
    for (Planned method : methods) {
      if (!names.add(method.name)) {
        throw new SextantException(
            String.format(Locale.ROOT, "methods: %s is there twice", method.name));
      }
    }
  }

  /** The folder of a run. */
  static String folder(String name, int seed) {
    return FileName.of(name) + "-seed" + seed;
  }
}
