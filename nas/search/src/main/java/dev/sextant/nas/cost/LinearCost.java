package dev.sextant.nas.cost;

import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.NamedCsvRecord;
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
  private static final String HEADER = "layer,op,coef_ms";

  /** Copies the coefficients. */
  public LinearCost {
    layers = List.copyOf(layers);
  }

  /**
   * Reads a model.
   *
   * @throws SextantException naming the file and the line that is wrong
   */
  public static LinearCost read(Path file) {
    String text = JsonText.readFile(file);
    SequencedMap<String, SequencedMap<String, Double>> layers = new LinkedHashMap<>();
    double bias = Double.NaN;
    try (CsvReader<NamedCsvRecord> csv = CsvReader.builder().ofNamedCsvRecord(text)) {
      for (NamedCsvRecord line : csv) {
        String where = file + ":" + line.getStartingLineNumber();
        if (!line.getHeader().equals(List.of(HEADER.split(",")))) {
          throw new SextantException(file + ": is no linear model, which has " + HEADER);
        }
        double coefficient = coefficient(where, line.getField("coef_ms"));
        String layer = line.getField("layer");
        if (layer.equals("bias")) {
          bias = coefficient;
        } else if (layers
                .computeIfAbsent(layer, _ -> new LinkedHashMap<>())
                .putIfAbsent(line.getField("op"), coefficient)
            != null) {
          throw new SextantException(where + ": a second " + line.getField("op") + " of " + layer);
        }
      }
    } catch (java.io.IOException | de.siegmar.fastcsv.reader.CsvParseException e) {
      throw new SextantException(file + ": is no CSV (" + e.getMessage() + ")", e);
    }
    if (Double.isNaN(bias) || layers.isEmpty()) {
      throw new SextantException(file + ": is no linear model: it has no bias or no layer");
    }
    return new LinearCost(bias, new ArrayList<>(layers.sequencedValues()));
  }

  private static double coefficient(String where, String text) {
    try {
      double value = Double.parseDouble(text);
      if (Math.abs(value) < 1e6) {
        return value;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw new SextantException("%s: '%s' is no coefficient".formatted(where, text));
  }

  /** Writes the model, atomically. */
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
  public CostUnit unit() {
    return CostUnit.MILLISECONDS;
  }
}
