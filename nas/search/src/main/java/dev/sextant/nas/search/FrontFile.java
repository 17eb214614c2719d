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
record FrontFile(RunDirectory directory, RunResults results, SearchSpace space) {
  /** Measures networks; writes the file, and costs, scores and milliseconds for the report. */
  void write(List<SearchStage.Point> front, Pricing pricing, NetworkLatency latency) {
    List<double[]> points = new ArrayList<>();
    StringBuilder text = new StringBuilder("network,cost,score,measured_ms,macs,parameters\n");
    for (SearchStage.Point point : front) {
      Architecture network = space.derive(point.decisions());
      double cost = pricing.of(point.decisions());
      double measuredMs = latency.judged(network);
      points.add(new double[] {cost, point.score(), measuredMs});
      text.append(Decisions.text(point.decisions())).append(',').append(cost);
      text.append(',').append(point.score()).append(',').append(measuredMs);
      text.append(',').append(network.macs()).append(',').append(network.parameters());
      text.append('\n');
    }
    RunDirectory.write(directory.front(), text.toString());
    results.put("front", points);
  }
}
