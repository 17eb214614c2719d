package dev.sextant.nas.report;

import dev.sextant.nas.cost.LatencyTable;
import dev.sextant.nas.report.SeenNetworks.Seen;
import dev.sextant.nas.report.page.Html;
import dev.sextant.nas.report.page.Numbers;
import dev.sextant.nas.report.page.Scatter;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.layer.Layer;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Accuracy beside what it costs, of everything a run has seen; a point leads to its network. */
final class ParetoSection {
  private static final double MIB = 1 << 20;

  private final RunRecord run;
  private final Html html;
  private final List<Seen> seen;
  private final Map<String, Architecture> published;

  ParetoSection(RunRecord run, Html html) {
    this.run = run;
    this.html = html;
    seen = SeenNetworks.of(run).stream().filter(each -> Double.isFinite(each.accuracy())).toList();
    published = SeenNetworks.published(run.setup().space());
  }

  /** Draws it, or nothing while no accuracy is known. */
  void draw() {
    if (seen.isEmpty()) {
      return;
    }
    html.open("section", "id", "pareto").leaf("h2", "Accuracy and cost");
    html.open("p", "class", "note");
    html.text(
        "Every network of which this run has come to know an accuracy: in the supernet and of"
            + " samples on held-out images, of the networks trained to the end on test images. A"
            + " point leads to its network. ");
    html.leaf(
        "a",
        "Numbers as CSV",
        "href",
        "data:text/csv;charset=utf-8," + csv(),
        "download",
        "networks.csv");
    html.close();
    html.open("div", "class", "grid");
    chart("Latency", "latency, ms: measured, else predicted", Seen::latencyMs, this::predicted);
    chart(
        "Parameters",
        "parameters, thousands",
        s -> s.network().parameters() / 1e3,
        a -> a.parameters() / 1e3);
    chart(
        "Multiply-adds",
        "multiply-adds, millions",
        s -> s.network().macs() / 1e6,
        a -> a.macs() / 1e6);
    chart(
        "Memory",
        "weights and activations of one image, MiB",
        s -> s.memoryBytes() / MIB,
        _ -> Double.NaN);
    html.close();
    for (int i = 0; i < seen.size(); i++) {
      network(i);
    }
    html.close();
  }

  private double predicted(Architecture network) {
    LatencyTable table = run.table();
    return table == null ? Double.NaN : table.predict(network);
  }

  private void chart(
      String title,
      String label,
      ToDoubleFunction<Seen> cost,
      ToDoubleFunction<Architecture> publishedCost) {
    Scatter chart =
        new Scatter(
            "Accuracy and " + title.toLowerCase(Locale.ROOT),
            label,
            run.setup().space().measure() + ", %",
            SeenNetworks.KINDS);
    for (int i = 0; i < seen.size(); i++) {
      Seen each = seen.get(i);
      chart.add(
          new Scatter.Point(
              each.kind(), each.name(), cost.applyAsDouble(each), 100 * each.accuracy(), id(i)));
    }
    published.forEach((name, network) -> chart.mark(name, publishedCost.applyAsDouble(network)));
    chart.draw(html);
  }

  private static String id(int i) {
    return "network-" + i;
  }

  /** Shown once a point has led to it. */
  private void network(int i) {
    Seen each = seen.get(i);
    html.open("div", "class", "seen", "id", id(i), "tabindex", "-1");
    html.leaf(
        "p",
        String.format(
            Locale.ROOT,
            "%s: %s %s, %s, %s parameters, %s multiply-adds, %s",
            each.name(),
            run.setup().space().measure(),
            Numbers.percent(each.accuracy()),
            Numbers.ms(each.latencyMs()),
            Numbers.grouped(each.network().parameters()),
            Numbers.grouped(each.network().macs()),
            layers(each.network())));
    html.close();
  }

  private static String layers(Architecture network) {
    return network.layers().stream().map(Layer::label).collect(Collectors.joining(", "));
  }

  private String csv() {
    StringBuilder csv =
        new StringBuilder("kind,name,accuracy,latency_ms,parameters,macs,memory_bytes,layers\n");
    for (Seen each : seen) {
      csv.append(
          String.format(
              Locale.ROOT,
              "%s,%s,%s,%s,%d,%d,%d,\"%s\"%n",
              SeenNetworks.KINDS.get(each.kind()).replace(",", ";"),
              each.name(),
              each.accuracy(),
              Double.isFinite(each.latencyMs()) ? each.latencyMs() : "",
              each.network().parameters(),
              each.network().macs(),
              each.memoryBytes(),
              layers(each.network())));
    }
    return URLEncoder.encode(csv.toString().replace("\r\n", "\n"), StandardCharsets.UTF_8)
        .replace("+", "%20");
  }

  /** The network that a run of a chain holds for the best at the moment, or null. */
  static @Nullable Architecture current(RunRecord run) {
    if (run.network() != null) {
      return run.network();
    }
    List<Seen> seen = SeenNetworks.of(run);
    return seen.isEmpty() ? null : seen.getLast().network();
  }
}
