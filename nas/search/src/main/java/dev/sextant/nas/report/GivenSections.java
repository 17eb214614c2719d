package dev.sextant.nas.report;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.sextant.nas.checkpoint.ConfigJson;
import dev.sextant.nas.cost.Costs;
import dev.sextant.nas.cost.LatencyTable;
import dev.sextant.nas.data.ClassNames;
import dev.sextant.nas.report.page.Html;
import dev.sextant.nas.report.page.Numbers;
import dev.sextant.nas.report.page.Table;
import dev.sextant.nas.run.SearchSetup;
import java.util.Locale;
import java.util.stream.Collectors;

/** The sections of a report that tell what the run was given: latency table and settings. */
record GivenSections(RunRecord run, Html html) {
  void draw() {
    classes();
    latencies();
    settings();
  }

  private void classes() {
    if (!run.classNames().isEmpty()) {
      html.leaf("h2", "Classes");
      html.leaf("p", ClassNames.some(run.classNames()));
    }
  }

  private void latencies() {
    LatencyTable table = run.table();
    if (table == null) {
      return;
    }
    LatencyTable.Setting setting = table.setting();
    html.leaf("h2", "Latency table");
    html.leaf(
        "p",
        String.format(
            Locale.ROOT,
            "%s, %s on %s, %d threads, batch %d. A network is predicted to take %s + %s × the sum"
                + " of its layers.",
            setting.machine(),
            setting.runtime(),
            setting.device(),
            setting.threads(),
            setting.batch(),
            Numbers.ms(table.overheadMs()),
            Numbers.significant(table.scale())),
        "class",
        "note");
    html.open("details", "open", "open");
    html.leaf("summary", String.format(Locale.ROOT, "%d layers", table.entries().size()));
    Table rows =
        new Table(
            html, "Latency table", "layer", "input", "output", "ms", "ninth decile, ms", "samples");
    table.entries().forEach((key, entry) -> entry(rows, key, entry));
    rows.close();
    html.close();
  }

  private static void entry(Table rows, LatencyTable.Key key, LatencyTable.Entry entry) {
    rows.row(key.label());
    rows.text(Numbers.shape(key.input()));
    rows.text(Numbers.shape(key.layer().output(key.input())));
    rows.number(entry.ms(), Numbers.significant(entry.ms()));
    rows.number(entry.p90Ms(), Numbers.significant(entry.p90Ms()));
    rows.number(entry.count(), Numbers.grouped(entry.count()));
    rows.end();
  }

  private void settings() {
    SearchSetup setup = run.setup();
    html.leaf("h2", "Settings");
    html.open("table", "class", "settings").open("tbody");
    setting("data", setup.dataSource());
    setting("device", setup.device().toString());
    setting("threads", String.valueOf(setup.threads()));
    if (run.setup().config().recipe().cost().isMeasurable()) {
      setting(
          run.setup().config().recipe().cost() == Costs.PREDICTED
              ? "latency predictor"
              : "latency table",
          setup.tableGiven() ? "given" : "measured by this run");
    }
    settings("", ConfigJson.write(run.setup().config()));
    html.close().close();
  }

  /** The concerns of nested objects stand before their fields. */
  private void settings(String concern, JsonObject fields) {
    fields
        .entrySet()
        .forEach(
            field -> {
              String name = concern + words(field.getKey());
              if (field.getValue() instanceof JsonObject inner) {
                settings(name + ": ", inner);
              } else if (field.getValue() instanceof JsonArray values
                  && !values.isEmpty()
                  && values.get(0) instanceof JsonObject) {
                for (int i = 0; i < values.size(); i++) {
                  settings(name + " " + (i + 1) + ": ", values.get(i).getAsJsonObject());
                }
              } else if (field.getValue() instanceof JsonArray values) {
                setting(
                    name,
                    values.asList().stream()
                        .map(JsonElement::getAsString)
                        .collect(Collectors.joining(", ")));
              } else {
                setting(name, field.getValue().getAsString());
              }
            });
  }

  private void setting(String name, String value) {
    html.open("tr").leaf("td", name, "class", "name").leaf("td", value, "class", "wrap").close();
  }

  /** {@code weightDecay} as {@code weight decay}. */
  private static String words(String field) {
    return field.replaceAll("([A-Z])", " $1").toLowerCase(Locale.ROOT);
  }
}
