package dev.sextant.nas.cells;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import de.siegmar.fastcsv.writer.CsvWriter;
import dev.sextant.nas.csv.CsvTable;
import dev.sextant.nas.predict.LatencySamples;
import dev.sextant.nas.space.CellSpace;
import dev.sextant.nas.space.Genotype;
import dev.sextant.runtime.AtomicFile;
import dev.sextant.runtime.json.JsonFields;
import dev.sextant.runtime.json.JsonText;
import dev.sextant.runtime.layer.Cell;
import dev.sextant.runtime.layer.Cell.Node;
import dev.sextant.runtime.layer.CellNodes;
import dev.sextant.tensor.SextantException;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Cells and what their networks were measured to take: what a latency predictor is trained on.
 *
 * @param space of the cells
 * @param types of cells that were varied: 1 for the normal cell alone, 2 for the reduction cell too
 * @param genotypes what was measured
 * @param ms milliseconds of each
 * @param doubts what tells that measuring them was disturbed, a sentence each; none where they can
 *     be relied on
 */
public record CellSamples(
    CellSpace space, int types, List<Genotype> genotypes, double[] ms, List<String> doubts) {
  private static final String NORMAL = "cell";
  private static final String REDUCTION = "reduction";
  private static final String MS = "ms";
  private static final String DOUBTS = "doubts";

  /** More sentences than a measurement has about itself. */
  private static final int MOST_DOUBTS = 1000;

  /** Copies the lists. */
  public CellSamples {
    genotypes = List.copyOf(genotypes);
    doubts = List.copyOf(doubts);
  }

  /**
   * Samples without a doubt.
   *
   * @param space of the cells
   * @param types of cells that were varied, 1 or 2
   * @param genotypes what was measured
   * @param ms milliseconds of each
   */
  public CellSamples(CellSpace space, int types, List<Genotype> genotypes, double[] ms) {
    this(space, types, genotypes, ms, List.of());
  }

  /** {@return the samples, encoded as {@link CellEncoding} does, for a predictor} */
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
   * reduction}, as {@link Cell#graph} has them, and {@code ms}. Doubts stand in a comment before
   * them.
   *
   * @param file CSV
   */
  public void write(Path file) {
    StringWriter text = new StringWriter();
    CsvWriter writer = CsvWriter.builder().bufferSize(0).build(text);
    if (!doubts.isEmpty()) {
      JsonArray sentences = new JsonArray();
      doubts.forEach(sentences::add);
      JsonObject comment = new JsonObject();
      comment.add(DOUBTS, sentences);
      writer.writeComment(comment.toString());
    }
    writer.writeRecord(types == 1 ? List.of(NORMAL, MS) : List.of(NORMAL, REDUCTION, MS));
    for (int i = 0; i < ms.length; i++) {
      List<String> row = new ArrayList<>();
      for (int stride = 1; stride <= types; stride++) {
        row.add(new Cell(genotypes.get(i).nodes(stride), 2, stride, null).graph());
      }
      row.add(Double.toString(ms[i]));
      writer.writeRecord(row);
    }
    AtomicFile.write(file, text.toString());
  }

  /**
   * Reads what {@link #write} wrote.
   *
   * @param space that the cells are of
   * @param file CSV
   * @return the samples
   * @throws SextantException naming the file, and the line of what is wrong
   */
  public static CellSamples read(CellSpace space, Path file) {
    List<Genotype> genotypes = new ArrayList<>();
    List<Double> latencies = new ArrayList<>();
    List<String> doubts;
    int types = 1;
    String text = JsonText.readFile(file);
    try {
      CsvTable csv = CsvTable.parse(text);
      types = csv.header().contains(REDUCTION) ? 2 : 1;
      doubts = doubts(csv.comment());
      for (CsvTable.Row row : csv.rows()) {
        List<Node> normal = graph(row, NORMAL);
        List<Node> reduction = types == 1 ? CellLatencies.pooled(space) : graph(row, REDUCTION);
        Genotype genotype = new Genotype(normal, reduction);
        double latency = row.number(MS);
        if (!(latency > 0)) {
          throw new SextantException(String.format(Locale.ROOT, "%s: %s ms", row.where(), latency));
        }
        try {
          CellEncoding.encode(space, genotype, types);
        } catch (SextantException e) {
          throw new SextantException(row.where() + ": " + e.getMessage(), e);
        }
        genotypes.add(genotype);
        latencies.add(latency);
      }
    } catch (SextantException e) {
      throw new SextantException(file + ": " + e.getMessage(), e);
    }
    if (genotypes.isEmpty()) {
      throw new SextantException(file + ": no measured cells");
    }
    double[] ms = latencies.stream().mapToDouble(Double::doubleValue).toArray();
    return new CellSamples(space, types, genotypes, ms, doubts);
  }

  /** A comment that is no object is someone else's. */
  private static List<String> doubts(String comment) {
    return comment.stripLeading().startsWith("{")
        ? JsonFields.parse(comment, "line 1").stringsIfAny(DOUBTS, MOST_DOUBTS)
        : List.of();
  }

  private static List<Node> graph(CsvTable.Row row, String column) {
    String graph = row.text(column);
    try {
      return CellNodes.parse(graph);
    } catch (SextantException e) {
      throw new SextantException(row.where() + ": " + e.getMessage(), e);
    }
  }
}
