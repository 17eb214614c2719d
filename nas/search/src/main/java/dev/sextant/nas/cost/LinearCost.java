package dev.sextant.nas.cost;

import dev.sextant.nas.csv.CsvTable;
import dev.sextant.nas.space.Position;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.AtomicFile;
import dev.sextant.runtime.json.JsonText;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.runtime.layer.Skip;
import dev.sextant.tensor.SextantException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * TuNAS's linear latency model: a bias and a coefficient for each candidate of each choice, fitted
 * on whole networks of one space, in milliseconds. Coefficients are centred: that of a skipped
 * layer is negative. Immutable.
 *
 * <p>On disk a CSV of {@code layer,op,coef_ms}: first {@code bias}, then the choices in the order
 * of the space, their candidates as {@code mb k3 e6}, {@code sepconv k5} or {@code zero}.
 *
 * @param bias in milliseconds
 * @param layers coefficients by choice, and by candidate
 */
public record LinearCost(double bias, List<SequencedMap<String, Double>> layers)
    implements CostModel {
  /** Its file in the directory of a run. */
  public static final String FILE = "cost.csv";

  private static final String HEADER = "layer,op,coef_ms";

  /** Milliseconds that no layer takes. */
  private static final double LARGEST = 1e6;

  /** Copies the coefficients. */
  public LinearCost {
    layers = List.copyOf(layers);
  }

  /**
   * Reads a model.
   *
   * @param file CSV
   * @return the model
   * @throws SextantException naming the file and the line that is wrong
   */
  public static LinearCost read(Path file) {
    String text = JsonText.readFile(file);
    SequencedMap<String, SequencedMap<String, Double>> layers = new LinkedHashMap<>();
    double bias = Double.NaN;
    try {
      CsvTable csv = CsvTable.parse(text);
      if (!csv.header().equals(List.of(HEADER.split(",")))) {
        throw new SextantException("is no linear model, which has " + HEADER);
      }
      for (CsvTable.Row row : csv.rows()) {
        double coefficient = row.number("coef_ms");
        if (Math.abs(coefficient) >= LARGEST) {
          throw new SextantException(row.where() + ": " + coefficient + " is no coefficient");
        }
        String layer = row.text("layer");
        if (layer.equals("bias")) {
          bias = coefficient;
        } else if (layers
                .computeIfAbsent(layer, _ -> new LinkedHashMap<>())
                .putIfAbsent(row.text("op"), coefficient)
            != null) {
          throw new SextantException(
              "%s: a second %s of %s".formatted(row.where(), row.text("op"), layer));
        }
      }
    } catch (SextantException e) {
      throw new SextantException(file + ": " + e.getMessage(), e);
    }
    if (Double.isNaN(bias) || layers.isEmpty()) {
      throw new SextantException(file + ": is no linear model: it has no bias or no layer");
    }
    return new LinearCost(bias, new ArrayList<>(layers.sequencedValues()));
  }

  /**
   * Writes the model, atomically.
   *
   * @param file CSV
   */
  public void write(Path file) {
    StringBuilder text = new StringBuilder(HEADER + "\nbias,," + bias + "\n");
    for (int i = 0; i < layers.size(); i++) {
      String layer = "choice" + i;
      layers.get(i).forEach((op, ms) -> text.append(layer + "," + op + "," + ms + "\n"));
    }
    byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);
    AtomicFile.write(file, channel -> channel.write(ByteBuffer.wrap(bytes)));
  }

  @Override
  public ExpectedCost costs(Space space) {
    List<Position.Choice> choices = space.choices();
    if (choices.size() != layers.size() || !space.widthChoices().isEmpty()) {
      throw new SextantException(
          "linear model: it is of %d choices and no widths, %s has %d and %d"
              .formatted(layers.size(), space.name(), choices.size(), space.widthChoices().size()));
    }
    double[][] costs = new double[choices.size()][];
    for (int i = 0; i < costs.length; i++) {
      List<Layer> candidates = choices.get(i).candidates();
      SequencedMap<String, Double> ops = layers.get(i);
      List<String> names = candidates.stream().map(LinearCost::op).toList();
      if (candidates.size() != ops.size() || !ops.keySet().containsAll(names)) {
        throw new SextantException(
            "linear model: choice %d of %s is among %s, the model's among %s"
                .formatted(i, space.name(), names, ops.keySet()));
      }
      costs[i] = names.stream().mapToDouble(ops::get).toArray();
    }
    return new ExpectedCost(bias, costs);
  }

  private static String op(Layer layer) {
    return switch (layer) {
      case MbConv l when l.expand() == 1 -> "sepconv k" + l.kernel();
      case MbConv l -> "mb k%d e%d".formatted(l.kernel(), l.expand());
      case Skip _ -> "zero";
      default -> layer.label();
    };
  }

  @Override
  public void keep(Path directory) {
    write(directory.resolve(FILE));
  }

  @Override
  public CostUnit unit() {
    return CostUnit.MILLISECONDS;
  }
}
