package dev.sextant.nas.cells;

import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.NamedCsvRecord;
import de.siegmar.fastcsv.writer.CsvWriter;
import dev.sextant.nas.predict.LatencySamples;
import dev.sextant.runtime.AtomicFile;
import dev.sextant.runtime.json.JsonText;
import dev.sextant.runtime.layer.Cell;
import dev.sextant.runtime.layer.Cell.Node;
import dev.sextant.runtime.layer.CellNodes;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;

/**
 * Cells and what their networks were measured to take: what a latency predictor is trained on.
 *
 * @param space of the cells
 * @param types of cells that were varied: 1 for the normal cell alone, 2 for the reduction cell too
 * @param genotypes what was measured
 * @param ms milliseconds of each
 */
public record CellSamples(CellSpace space, int types, List<Genotype> genotypes, double[] ms) {
  private static final String NORMAL = "cell";
  private static final String REDUCTION = "reduction";
  private static final String MS = "ms";

  /** Copies the list. */
  public CellSamples {
    genotypes = List.copyOf(genotypes);
  }

  /** Encoded as {@link CellEncoding} does, for a predictor. */
  public LatencySamples encoded() {
    int bits = types * CellEncoding.width(space);
    float[] features = new float[genotypes.size() * bits];
    for (int i = 0; i < genotypes.size(); i++) {
      float[] row = CellEncoding.encode(space, genotypes.get(i), types);
      System.arraycopy(row, 0, features, i * bits, bits);
    }
    return new LatencySamples(bits, features, ms);
  }

  /**
   * Writes CSV, atomically: columns {@code cell} and, where reduction cells vary, {@code
   * reduction}, as {@link Cell#graph} has them, and {@code ms}.
   */
  public void write(Path file) {
    StringWriter text = new StringWriter();
    CsvWriter writer = CsvWriter.builder().bufferSize(0).build(text);
    writer.writeRecord(types == 1 ? List.of(NORMAL, MS) : List.of(NORMAL, REDUCTION, MS));
    for (int i = 0; i < ms.length; i++) {
      List<String> row = new ArrayList<>();
      for (int stride = 1; stride <= types; stride++) {
        row.add(new Cell(genotypes.get(i).nodes(stride), 2, stride, null).graph());
      }
      row.add(Double.toString(ms[i]));
      writer.writeRecord(row);
    }
    ByteBuffer bytes = ByteBuffer.wrap(text.toString().getBytes(StandardCharsets.UTF_8));
    AtomicFile.write(
        file,
        channel -> {
          while (bytes.hasRemaining()) {
            channel.write(bytes);
          }
        });
  }

  /**
   * Reads what {@link #write} wrote.
   *
   * @throws SextantException naming the file, and the line of what is wrong
   */
  public static CellSamples read(CellSpace space, Path file) {
    List<Genotype> genotypes = new ArrayList<>();
    List<Double> latencies = new ArrayList<>();
    int types = 1;
    try (CsvReader<NamedCsvRecord> reader =
        CsvReader.builder().ofNamedCsvRecord(JsonText.readFile(file))) {
      for (NamedCsvRecord record : reader) {
        try {
          types = record.getHeader().contains(REDUCTION) ? 2 : 1;
          List<Node> normal = CellNodes.parse(record.getField(NORMAL));
          List<Node> reduction =
              types == 1
                  ? CellLatencies.pooled(space)
                  : CellNodes.parse(record.getField(REDUCTION));
          Genotype genotype = new Genotype(normal, reduction);
          CellEncoding.encode(space, genotype, types);
          genotypes.add(genotype);
          latencies.add(Double.valueOf(record.getField(MS)));
        } catch (SextantException | NoSuchElementException | NumberFormatException e) {
          throw new SextantException(
              "%s: line %d: %s".formatted(file, record.getStartingLineNumber(), e.getMessage()), e);
        }
      }
    } catch (IOException | CsvParseException e) {
      throw new SextantException("%s: not CSV (%s)".formatted(file, e.getMessage()), e);
    }
    if (genotypes.isEmpty()) {
      throw new SextantException(file + ": no measured cells");
    }
    double[] ms = latencies.stream().mapToDouble(Double::doubleValue).toArray();
    return new CellSamples(space, types, genotypes, ms);
  }
}
