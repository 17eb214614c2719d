package dev.sextant.nas.truth;

import dev.sextant.nas.csv.CsvTable;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.method.TrainingConfig;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.StageName;
import dev.sextant.nas.space.Decisions;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.stage.Passes;
import dev.sextant.nas.stage.TrainingStage;
import dev.sextant.nas.train.Evaluation;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.AtomicFile;
import dev.sextant.runtime.FileOutput;
import dev.sextant.runtime.json.JsonText;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Makes a {@link TruthTable}: trains networks of a space one by one and adds a line to the file
 * after each, so that a stopped one goes on where it was. Networks come in an order of their own,
 * whatever the space's, so that what is there at any time is a random part of it; all of them with
 * one seed before any with the next.
 *
 * <p>Confined to one thread.
 */
public final class TruthTraining {
  /** Beyond it networks are not to be trained one by one. */
  private static final long MOST_NETWORKS = 1_000_000;

  private static final long ORDER_SEED = 0;
  private static final String HEADER = "network,seed,accuracy,macs,parameters,seconds\n";

  private final Space space;
  private final ImageDataset data;
  private final TrainingConfig config;
  private final Backend backend;
  private final Progress progress;

  /**
   * The making of a table.
   *
   * @param space for the images of {@code data}
   * @param data to train on, and to test by
   * @param config of each training, but for its seed
   * @param backend where networks are trained; stays the caller's
   * @param progress told of each training
   */
  public TruthTraining(
      Space space, ImageDataset data, TrainingConfig config, Backend backend, Progress progress) {
    if (space.size().compareTo(BigInteger.valueOf(MOST_NETWORKS)) > 0) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "truth: %s has %s networks, a table is for at most %d",
              space.name(),
              space.size(),
              MOST_NETWORKS));
    }
    this.space = space;
    this.data = data;
    this.config = config;
    this.backend = backend;
    this.progress = progress;
  }

  /**
   * Trains what the file does not hold yet.
   *
   * @param file to be made or continued; its first line says {@code settings}
   * @param settings how networks are trained, for a reader, in one line
   * @param networks decisions of each
   * @param seeds trainings of each
   * @throws SextantException if the file was made with other settings, or cannot be written
   */
  public void run(Path file, String settings, List<int[]> networks, int seeds) {
    Set<String> done = new HashSet<>();
    long length = begun(file, "# " + settings + "\n" + HEADER, done);
    int count = networks.size();
    try (FileOutput out = FileOutput.append(file, length)) {
      for (int seed = 1; seed <= seeds; seed++) {
        for (int i = 0; i < count; i++) {
          int[] decisions = networks.get(i);
          if (!done.contains(key(Decisions.text(decisions), seed))) {
            String line = train(decisions, seed);
            out.write(ByteBuffer.wrap(line.getBytes(StandardCharsets.UTF_8)));
            out.force();
            progress.message(
                String.format(
                        Locale.ROOT,
                        "%d of %d: %s",
                        (seed - 1) * count + i + 1,
                        seeds * count,
                        line)
                    .strip());
          }
        }
      }
    } catch (IOException e) {
      throw AtomicFile.unwritable(file, e);
    }
  }

  private static String key(String network, long seed) {
    return network + "," + seed;
  }

  /** What of the file stands; a last line that was not finished does not. */
  private long begun(Path file, String head, Set<String> done) {
    if (!Files.exists(file)) {
      AtomicFile.write(file, head);
      return head.length();
    }
    String text = JsonText.readFile(file);
    if (!text.startsWith(head)) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: does not begin with '%s': made with other settings; give another --out",
              file,
              head.lines().findFirst().orElse("")));
    }
    String whole = text.substring(0, text.lastIndexOf('\n') + 1);
    for (CsvTable.Row row : CsvTable.parse(whole).rows()) {
      done.add(key(row.text(TruthTable.NETWORK), row.whole("seed")));
    }
    return whole.getBytes(StandardCharsets.UTF_8).length;
  }

  /**
   * {@return a random part of the space's networks, always the same}
   *
   * @param count how many, at most all
   */
  public List<int[]> drawn(int count) {
    int[] order = IntStream.range(0, space.size().intValueExact()).toArray();
    new Rng(ORDER_SEED).shuffle(order);
    return Arrays.stream(order)
        .limit(count)
        .mapToObj(number -> Decisions.at(space.options(), number))
        .toList();
  }

  private String train(int[] decisions, int seed) {
    long start = System.nanoTime();
    Architecture architecture = space.derive(decisions);
    TrainingConfig seeded =
        new TrainingConfig(
            Rng.of(seed, 51).nextLong(),
            config.epochs(),
            config.rate(),
            config.batches(),
            config.descent(),
            config.regularization());
    TrainingStage.Plan plan =
        new TrainingStage.Plan(
            StageName.TRAIN,
            architecture,
            IntStream.range(0, data.train().count()).toArray(),
            new int[0],
            seeded);
    try (TrainingStage stage =
        new TrainingStage(plan, data, Passes.of(backend, space), (event, fields) -> {})) {
      while (stage.done() < stage.steps()) {
        stage.step();
      }
      double accuracy =
          Evaluation.of(architecture, stage.trained(), data.test(), backend.device(), 1).score();
      return String.format(
          Locale.ROOT,
          "%s,%d,%.5f,%d,%d,%.1f\n",
          Decisions.text(decisions),
          seed,
          accuracy,
          architecture.macs(),
          architecture.parameters(),
          (System.nanoTime() - start) * 1e-9);
    }
  }
}
