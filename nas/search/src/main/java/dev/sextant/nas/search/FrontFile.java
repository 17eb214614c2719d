package dev.sextant.nas.search;

import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.space.Decisions;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.nas.stage.RunResults;
import dev.sextant.runtime.Architecture;
import java.util.ArrayList;
import java.util.List;

/**
 * {@code front.csv}: networks of which none is both cheaper and held for better than another, each
 * measured. The report has them from the results.
 */
final class FrontFile {
  private final RunDirectory directory;
  private final RunResults results;
  private final SearchSpace space;
  private final List<double[]> points = new ArrayList<>();
  private final StringBuilder text =
      new StringBuilder("network,cost,score,measured_ms,macs,parameters\n");

  FrontFile(RunDirectory directory, RunResults results, SearchSpace space) {
    this.directory = directory;
    this.results = results;
    this.space = space;
  }

  void add(SearchStage.Point point, double cost, double measuredMs) {
    Architecture network = space.derive(point.decisions());
    points.add(new double[] {cost, point.score(), measuredMs});
    text.append(Decisions.text(point.decisions())).append(',').append(cost);
    text.append(',').append(point.score()).append(',').append(measuredMs);
    text.append(',').append(network.macs()).append(',').append(network.parameters());
    text.append('\n');
  }

  /** The file, and costs, scores and milliseconds for the report. */
  void write() {
    RunDirectory.write(directory.front(), text.toString());
    results.put("front", points);
  }
}
