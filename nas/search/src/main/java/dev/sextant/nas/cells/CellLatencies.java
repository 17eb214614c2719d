package dev.sextant.nas.cells;

import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.NamedCsvRecord;
import de.siegmar.fastcsv.writer.CsvWriter;
import dev.sextant.nas.predict.LatencySamples;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.AtomicFile;
import dev.sextant.runtime.Cell;
import dev.sextant.runtime.Cell.Edge;
import dev.sextant.runtime.Cell.Kind;
import dev.sextant.runtime.Cell.Node;
import dev.sextant.runtime.Cell.Op;
import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.Weights;
import dev.sextant.runtime.json.JsonText;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.IntConsumer;

/**
 * What a latency predictor of cells is trained on (section 3.2): random normal cells in the network
 * for small images, with random weights, on the compiled runtime of this machine, one image at a
 * time on one thread.
 *
 * <p>Reduction cells are pooling alone, as the paper leaves them out: they "are often composed of
 * weight-free operators".
 *
 * @param space whose cells are sampled
 * @param width of the first cells of the measured networks
 * @param cells of the measured networks
 */
public record CellLatencies(CellSpace space, int width, int cells) {
  /** Runs before the first that counts. */
  private static final int WARM_UP_RUNS = 2;

  /** Runs of which the fastest counts: whatever else runs on a machine only ever adds. */
  private static final int RUNS = 15;

  /**
   * Times each network is measured, at moments far apart: a processor shared with others slows down
   * for seconds.
   */
  public static final int ROUNDS = 3;

  /** Random cells to measure, the same for the same seed. */
  public List<List<Node>> sample(int count, long seed) {
    CellParameters uniform = CellParameters.zeros(space);
    Rng rng = new Rng(seed);
    List<List<Node>> sampled = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      sampled.add(CellEncoding.sample(uniform, 1, rng));
    }
    return sampled;
  }

  /** The network that stands for a normal cell. */
  public Architecture network(List<Node> normal) {
    Op pool = new Op(Kind.MAX_POOL, 3);
    Node pooled = new Node(List.of(new Edge(0, pool), new Edge(1, pool)));
    List<Node> reduction = Collections.nCopies(space.nodes(), pooled);
    return CellNetworks.small(
        "cell", new Genotype(normal, reduction), space.input(), space.classes(), width, cells);
  }

  /**
   * Measures cells.
   *
   * @param progress told the number of measurements done
   * @return milliseconds of each cell's network
   */
  public double[] measure(List<List<Node>> normals, IntConsumer progress) {
    double[] ms = new double[normals.size()];
    Arrays.fill(ms, Double.POSITIVE_INFINITY);
    warmUp(normals);
    for (int round = 0; round < ROUNDS; round++) {
      for (int i = 0; i < ms.length; i++) {
        ms[i] = Math.min(ms[i], measure(normals.get(i)));
        progress.accept(round * ms.length + i + 1);
      }
    }
    return ms;
  }

  /** All kernels are compiled by the JIT before the first measurement. */
  private void warmUp(List<List<Node>> normals) {
    for (List<Node> normal : normals.subList(0, Math.min(20, normals.size()))) {
      Architecture network = network(normal);
      try (CompiledModel model = CompiledModel.compile(network, Weights.random(network, 1))) {
        model.warmUp();
      }
    }
  }

  private double measure(List<Node> normal) {
    Architecture network = network(normal);
    float[] image = new float[network.input().shape(1).size()];
    Rng rng = new Rng(2);
    for (int i = 0; i < image.length; i++) {
      image[i] = (float) rng.nextGaussian();
    }
    float[] logits = new float[network.classes()];
    try (CompiledModel model = CompiledModel.compile(network, Weights.random(network, 1))) {
      long best = Long.MAX_VALUE;
      for (int run = -WARM_UP_RUNS; run < RUNS; run++) {
        long start = System.nanoTime();
        model.run(image, logits);
        long nanos = System.nanoTime() - start;
        best = run < 0 ? best : Math.min(best, nanos);
      }
      return best / 1e6;
    }
  }

  /** Encoded cells and their latencies, for a predictor. */
  public LatencySamples samples(List<List<Node>> normals, double[] ms) {
    int bits = CellEncoding.width(space);
    float[] features = new float[normals.size() * bits];
    for (int i = 0; i < normals.size(); i++) {
      float[] row = CellEncoding.encode(space, normals.get(i));
      System.arraycopy(row, 0, features, i * bits, bits);
    }
    return new LatencySamples(bits, features, ms);
  }

  /** Writes measured cells as CSV: column {@code cell}, as {@link Cell#graph} has it, and ms. */
  public void write(List<List<Node>> normals, double[] ms, Path file) {
    StringWriter text = new StringWriter();
    CsvWriter writer = CsvWriter.builder().bufferSize(0).build(text);
    writer.writeRecord("cell", "ms");
    for (int i = 0; i < ms.length; i++) {
      writer.writeRecord(new Cell(normals.get(i), 2, 1, null).graph(), Double.toString(ms[i]));
    }
    byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);
    AtomicFile.write(file, channel -> channel.write(ByteBuffer.wrap(bytes)));
  }

  /**
   * Reads what {@link #write} wrote.
   *
   * @throws SextantException naming the file, and the line of what is wrong
   */
  public LatencySamples read(Path file) {
    List<List<Node>> normals = new ArrayList<>();
    List<Double> latencies = new ArrayList<>();
    try (CsvReader<NamedCsvRecord> reader =
        CsvReader.builder().ofNamedCsvRecord(JsonText.readFile(file))) {
      for (NamedCsvRecord record : reader) {
        try {
          List<Node> nodes = Cell.parseGraph(record.getField("cell"));
          CellEncoding.encode(space, nodes);
          normals.add(nodes);
          latencies.add(Double.valueOf(record.getField("ms")));
        } catch (SextantException | java.util.NoSuchElementException | NumberFormatException e) {
          throw new SextantException(
              "%s: line %d: %s".formatted(file, record.getStartingLineNumber(), e.getMessage()), e);
        }
      }
    } catch (IOException | CsvParseException e) {
      throw new SextantException("%s: not CSV (%s)".formatted(file, e.getMessage()), e);
    }
    double[] ms = latencies.stream().mapToDouble(Double::doubleValue).toArray();
    return samples(normals, ms);
  }
}
