package dev.sextant.nas.search;

import com.google.gson.JsonObject;
import de.siegmar.fastcsv.writer.CsvWriter;
import dev.sextant.autograd.optim.Schedule;
import dev.sextant.nas.checkpoint.Checkpoint;
import dev.sextant.nas.checkpoint.Events;
import dev.sextant.nas.data.Augmentation;
import dev.sextant.nas.data.BatchLoader;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.data.SequentialBatches;
import dev.sextant.nas.data.Split;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.StageName;
import dev.sextant.nas.shrink.BlockFit;
import dev.sextant.nas.shrink.BlockScores;
import dev.sextant.nas.shrink.ExactChoice;
import dev.sextant.nas.space.LayerSum;
import dev.sextant.nas.space.Position;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.stage.Passes;
import dev.sextant.nas.supernet.Network;
import dev.sextant.runtime.Weights;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Rng;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Shrinks a trained network: steps that fit what can stand in the place of its layers to their
 * outputs, then steps that score each of these on a batch of held-out images. The best network
 * within a budget is the one whose scores add up to the least, found exactly.
 */
final class ShrinkStage implements SearchStage {
  /** Several times the batch that a training step fits. */
  private static final int SCORED_BATCHES = 4;

  private final Space space;
  private final Pricing pricing;
  private final Events events;
  private final Backend backend;
  private final BlockFit blocks;
  private final BlockScores scores;
  private final BatchLoader loader;
  private final Schedule rates;
  private final long fitSteps;
  private final List<SequentialBatches> heldOut = new ArrayList<>();
  private double error;
  private double errors;
  private long done;
  private long fitPeak;
  private long scorePeak;

  /**
   * A search at its beginning.
   *
   * @param space of what a network can be shrunk to
   * @param directory with the weights of that network
   */
  ShrinkStage(
      SearchConfig config,
      Space space,
      Pricing pricing,
      RunDirectory directory,
      ImageDataset data,
      Split split,
      Passes passes,
      Events events) {
    this.space = space;
    this.pricing = pricing;
    this.events = events;
    backend = passes.backend();
    blocks = new BlockFit(backend, space, Weights.read(directory.teacherWeights()));
    scores = new BlockScores(space);
    int size = config.batches().size();
    loader =
        new BatchLoader(
            data.train(),
            split.train(),
            Math.min(size, split.train().length),
            data.normalization(),
            Augmentation.preset(config.batches().augmentation(), data.height()),
            Rng.of(config.seed(), 13).nextLong(),
            true);
    fitSteps = (long) config.weights().epochs() * loader.batchesPerEpoch();
    rates = new Schedule.Cosine(config.weights().rate(), config.weights().lastRate());
    int[] images = split.validation();
    for (int from = 0; from < images.length; from += SCORED_BATCHES * size) {
      int[] part =
          Arrays.copyOfRange(images, from, Math.min(images.length, from + SCORED_BATCHES * size));
      heldOut.add(new SequentialBatches(data.train(), part, part.length, data.normalization()));
    }
  }

  @Override
  public StageName name() {
    return StageName.SEARCH;
  }

  @Override
  public long steps() {
    return fitSteps + heldOut.size();
  }

  @Override
  public long done() {
    return done;
  }

  @Override
  public void step() {
    Memory memory = backend.memory();
    memory.resetPeaks();
    if (done < fitSteps) {
      error = blocks.fit(loader.next(), rates.rate(done, fitSteps));
      errors += error;
      fitPeak = Math.max(fitPeak, memory.transientPeak());
    } else {
      blocks.score(heldOut.get((int) (done - fitSteps)).iterator().next(), scores);
      scorePeak = Math.max(scorePeak, memory.transientPeak());
    }
    done++;
    if (done <= fitSteps && done % loader.batchesPerEpoch() == 0) {
      JsonObject fields = new JsonObject();
      fields.addProperty("epoch", done / loader.batchesPerEpoch());
      fields.addProperty("error", errors / loader.batchesPerEpoch());
      events.emit("blocks-fitted", fields);
      errors = 0;
    }
    if (done == steps()) {
      JsonObject fields = new JsonObject();
      fields.addProperty("teacherLoss", scores.teacherLoss());
      events.emit("blocks-scored", fields);
    }
  }

  @Override
  public int @Nullable [] best(Pricing prices, double low, double high) {
    ExactChoice.Choice best = choice(prices, high);
    return best == null || prices.of(best.options()) < low ? null : best.options();
  }

  /** The network's costs by choice and option are those of its layers. */
  private ExactChoice.@Nullable Choice choice(Pricing prices, double budget) {
    LayerSum sum = ((Pricing.OfChain) prices).cost().sum();
    double[][] costs = new double[space.options().length][];
    for (LayerSum.Term term : sum.terms()) {
      costs[term.choice()] = term.parts()[0][0];
    }
    return ExactChoice.best(costs, scores.divergences(), budget - sum.fixed());
  }

  @Override
  public double gap(Pricing prices, double budget) {
    ExactChoice.Choice best = choice(prices, budget);
    return best == null ? 0 : best.score() - best.bound();
  }

  /** The network that is shrunk. */
  @Override
  public int[] best() {
    return new int[space.options().length];
  }

  @Override
  public String scores() {
    StringWriter text = new StringWriter();
    CsvWriter writer = CsvWriter.builder().bufferSize(0).build(text);
    writer.writeRecord("layer", "alternative", "cost", "divergence", "loss", "error");
    LayerSum sum = ((Pricing.OfChain) pricing).cost().sum();
    int choice = 0;
    for (int i = 0; i < space.positions().size(); i++) {
      if (space.positions().get(i) instanceof Position.Choice(List<Layer> candidates)) {
        for (int j = 0; j < candidates.size(); j++) {
          writer.writeRecord(
              Integer.toString(i),
              candidates.get(j).label(),
              Double.toString(cost(sum, choice, j)),
              Double.toString(scores.divergences()[choice][j]),
              Double.toString(scores.losses()[choice][j]),
              Double.toString(scores.errors()[choice][j]));
        }
        choice++;
      }
    }
    return text.toString();
  }

  private static double cost(LayerSum sum, int choice, int option) {
    return sum.terms().stream()
        .filter(term -> term.choice() == choice)
        .mapToDouble(term -> term.parts()[0][0][option])
        .findFirst()
        .orElse(0);
  }

  /** That of the network that is shrunk. */
  @Override
  public double expectedCost() {
    return pricing.of(best());
  }

  @Override
  public double lambda() {
    return 0;
  }

  @Override
  public long weightPeak() {
    return fitPeak;
  }

  @Override
  public long architecturePeak() {
    return scorePeak;
  }

  /** The scores. */
  @Override
  public List<float[]> alphaValues() {
    List<float[]> values = new ArrayList<>();
    for (double[] of : scores.divergences()) {
      float[] row = new float[of.length];
      for (int j = 0; j < row.length; j++) {
        row[j] = (float) of[j];
      }
      values.add(row);
    }
    return values;
  }

  @Override
  public void copyWeights(int[] decisions, Network network) {
    blocks.copyWeights(decisions, network);
  }

  @Override
  public String status() {
    return done <= fitSteps
        ? String.format(Locale.ROOT, "fitted to %.4f of the variance", error)
        : "scored by held-out images";
  }

  @Override
  public void save(Checkpoint checkpoint) {
    checkpoint.putTensors("alternatives/", blocks.state());
    checkpoint.putOptimizer("fit", blocks.optimizer());
    checkpoint.putDoubles("scores", scores.state());
    checkpoint.putDoubles("errors", error, errors);
    checkpoint.state().addProperty("done", done);
    checkpoint.state().addProperty("fitPeak", fitPeak);
    checkpoint.state().addProperty("scorePeak", scorePeak);
  }

  @Override
  public void load(Checkpoint checkpoint) {
    checkpoint.getTensors("alternatives/", blocks.state());
    checkpoint.getOptimizer("fit", blocks.optimizer());
    scores.restore(checkpoint.getDoubles("scores", scores.state().length));
    double[] saved = checkpoint.getDoubles("errors", 2);
    error = saved[0];
    errors = saved[1];
    done = checkpoint.getLong("done", 0, steps());
    fitPeak = checkpoint.getLong("fitPeak", 0, Long.MAX_VALUE);
    scorePeak = checkpoint.getLong("scorePeak", 0, Long.MAX_VALUE);
    long fitted = Math.min(done, fitSteps);
    int perEpoch = loader.batchesPerEpoch();
    loader.seek(new BatchLoader.Position(fitted / perEpoch, (int) (fitted % perEpoch)));
  }

  @Override
  public void close() {
    loader.close();
    blocks.close();
  }
}
