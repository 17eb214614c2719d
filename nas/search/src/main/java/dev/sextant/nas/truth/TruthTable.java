package dev.sextant.nas.truth;

import dev.sextant.nas.csv.CsvTable;
import dev.sextant.nas.space.Decisions;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.runtime.json.JsonText;
import dev.sextant.tensor.SextantException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;

/**
 * Accuracies of a space's networks, each trained alone, once or with several seeds: what a search
 * can be judged by without the noise of one more training. Immutable.
 *
 * <p>The file is CSV. A line is one training, or what several came to: {@code network} ({@link
 * Decisions}) and {@code accuracy}, as a share of 1 or in percent; other columns, such as {@code
 * seed} and {@code seconds}, are not read. Lines of one network are averaged. Costs come from the
 * space.
 */
public final class TruthTable {
  /** The columns that it reads. */
  static final String NETWORK = "network";

  static final String ACCURACY = "accuracy";

  private final SequencedMap<String, double[]> accuracies;
  private final int[] options;

  private TruthTable(SequencedMap<String, double[]> accuracies, int[] options) {
    this.accuracies = accuracies;
    this.options = options;
  }

  /**
   * Reads a table.
   *
   * @param file in CSV
   * @param space whose networks it tells of
   * @return the table
   * @throws SextantException naming file and line of what is wrong
   */
  public static TruthTable read(Path file, SearchSpace space) {
    int[] options = space.options();
    SequencedMap<String, List<Double>> read = new LinkedHashMap<>();
    double most = 0;
    try {
      CsvTable table = CsvTable.parse(JsonText.readFile(file));
      for (CsvTable.Row row : table.rows()) {
        double accuracy = row.number(ACCURACY);
        if (accuracy < 0 || accuracy > 100) {
          throw new SextantException(
              String.format(Locale.ROOT, "%s: %s is no accuracy", row.where(), accuracy));
        }
        most = Math.max(most, accuracy);
        read.computeIfAbsent(network(row, options), _ -> new ArrayList<>()).add(accuracy);
      }
    } catch (SextantException e) {
      throw new SextantException(file + ": " + e.getMessage(), e);
    }
    if (read.isEmpty()) {
      throw new SextantException(file + ": holds no network");
    }
    double unit = most > 1 ? 0.01 : 1;
    SequencedMap<String, double[]> accuracies = new LinkedHashMap<>();
    read.forEach(
        (network, values) ->
            accuracies.put(network, values.stream().mapToDouble(value -> unit * value).toArray()));
    return new TruthTable(accuracies, options);
  }

  private static String network(CsvTable.Row row, int[] options) {
    String text = row.text(NETWORK);
    try {
      return Decisions.text(Decisions.parse(text, options));
    } catch (SextantException e) {
      throw new SextantException(
          String.format(Locale.ROOT, "%s: %s", row.where(), e.getMessage()), e);
    }
  }

  /** {@return the decisions of every network that it knows} */
  public List<int[]> networks() {
    return accuracies.keySet().stream().map(text -> Decisions.parse(text, options)).toList();
  }

  /**
   * {@return whether it knows a network}
   *
   * @param decisions of the network
   */
  public boolean has(int[] decisions) {
    return accuracies.containsKey(Decisions.text(decisions));
  }

  /**
   * {@return the mean accuracy of a network's trainings, as a share of 1}
   *
   * @param decisions of a network that it {@link #has}
   */
  public double accuracy(int[] decisions) {
    double[] values = accuracies.get(Decisions.text(decisions));
    if (values == null) {
      throw new SextantException("truth: has no network " + Decisions.text(decisions));
    }
    return mean(values);
  }

  private static double mean(double[] values) {
    double sum = 0;
    for (double value : values) {
      sum += value;
    }
    return sum / values.length;
  }

  /**
   * {@return the deviation between trainings of one network that differ in the seed alone, pooled
   * over all networks; NaN where none was trained twice}
   */
  public double noise() {
    double squares = 0;
    int freedom = 0;
    for (double[] values : accuracies.values()) {
      double mean = mean(values);
      for (double value : values) {
        squares += (value - mean) * (value - mean);
      }
      freedom += values.length - 1;
    }
    return freedom == 0 ? Double.NaN : Math.sqrt(squares / freedom);
  }

  /** {@return trainings in all} */
  public int trainings() {
    int trainings = 0;
    for (Map.Entry<String, double[]> entry : accuracies.entrySet()) {
      trainings += entry.getValue().length;
    }
    return trainings;
  }
}
