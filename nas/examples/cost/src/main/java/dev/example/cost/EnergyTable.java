package dev.example.cost;

import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.NamedCsvRecord;
import de.siegmar.fastcsv.writer.CsvWriter;
import dev.sextant.nas.cost.CostUnit;
import dev.sextant.nas.cost.LayerPrices;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.SequencedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Millijoules by layer and input, as a power meter gave them: a CSV of {@code layer,input,mJ},
 * where the layer is called as {@code sextant describe} calls it and the input is {@code HxWxC}, or
 * {@code C}. Immutable.
 */
final class EnergyTable extends LayerPrices {
  static final String FILE = "energy.csv";

  private record Key(String layer, String input) implements Comparable<Key> {
    @Override
    public int compareTo(Key other) {
      int byLayer = layer.compareTo(other.layer);
      return byLayer != 0 ? byLayer : input.compareTo(other.input);
    }
  }

  private final SequencedMap<Key, Double> millijoules;

  private EnergyTable(SequencedMap<Key, Double> millijoules) {
    this.millijoules = millijoules;
  }

  /**
   * Reads a table.
   *
   * @throws SextantException naming the file and the line that is wrong
   */
  static EnergyTable read(Path file) {
    SequencedMap<Key, Double> millijoules = new TreeMap<>();
    try (CsvReader<NamedCsvRecord> rows = CsvReader.builder().ofNamedCsvRecord(file)) {
      for (NamedCsvRecord row : rows) {
        String where = file + ": line " + row.getStartingLineNumber();
        List<String> cells = new ArrayList<>();
        for (String column : List.of("layer", "input", "mJ")) {
          cells.add(
              row.findField(column)
                  .orElseThrow(
                      () -> new SextantException(where + ": column " + column + " is missing")));
        }
        Key key = new Key(cells.get(0), cells.get(1));
        if (millijoules.put(key, energy(cells.get(2), where)) != null) {
          throw new SextantException(
              "%s: a second price of %s on %s".formatted(where, key.layer, key.input));
        }
      }
    } catch (IOException | UncheckedIOException | CsvParseException e) {
      throw new SextantException("%s: cannot be read (%s)".formatted(file, e.getMessage()), e);
    }
    return new EnergyTable(millijoules);
  }

  private static double energy(String text, String where) {
    try {
      double energy = Double.parseDouble(text);
      if (energy >= 0 && energy < 1e6) {
        return energy;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw new SextantException("%s: mJ: '%s' is no energy".formatted(where, text));
  }

  @Override
  protected double price(Layer layer, Shape input) {
    String extents =
        IntStream.range(1, input.rank())
            .mapToObj(dimension -> Integer.toString(input.get(dimension)))
            .collect(Collectors.joining("x"));
    Key key = new Key(layer.label(), extents);
    Double price = layer.isFree() ? Double.valueOf(0) : millijoules.get(key);
    if (price == null) {
      throw new SextantException(
          "energy: layer %s on %s has no price".formatted(key.layer, key.input));
    }
    return price;
  }

  @Override
  public CostUnit unit() {
    return EnergyCost.MILLIJOULES;
  }

  @Override
  public void keep(Path directory) {
    Path whole = directory.resolve(FILE);
    Path partial = directory.resolve(FILE + ".part");
    try {
      try (CsvWriter csv = CsvWriter.builder().build(partial)) {
        csv.writeRecord("layer", "input", "mJ");
        millijoules.forEach(
            (key, price) -> csv.writeRecord(key.layer, key.input, price.toString()));
      }
      Files.move(partial, whole, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException | UncheckedIOException e) {
      throw new SextantException("%s: cannot be written (%s)".formatted(whole, e.getMessage()), e);
    }
  }
}
