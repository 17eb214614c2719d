package dev.sextant.nas.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.sextant.nas.checkpoint.ConfigJson;
import dev.sextant.nas.cost.LatencyFiles;
import dev.sextant.nas.cost.LatencyTable;
import dev.sextant.nas.data.DataOptions;
import dev.sextant.nas.method.BatchConfig;
import dev.sextant.nas.method.DescentConfig;
import dev.sextant.nas.method.PublishedMethod;
import dev.sextant.nas.method.Regularization;
import dev.sextant.nas.method.Retraining;
import dev.sextant.nas.method.SearchConfig;
import dev.sextant.nas.method.SearchImages;
import dev.sextant.nas.method.TeacherConfig;
import dev.sextant.nas.method.WeightSteps;
import dev.sextant.nas.policy.ArchitectureSteps;
import dev.sextant.nas.report.page.Axis;
import dev.sextant.nas.report.page.Chart;
import dev.sextant.nas.report.page.Html;
import dev.sextant.nas.report.page.Numbers;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.space.Position;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.supernet.GateMode;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.layer.Conv;
import dev.sextant.runtime.layer.GlobalAvgPool;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.Linear;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.runtime.layer.Skip;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.SequencedMap;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/** Reports of small runs written by hand. */
@Tag("machine-text")
final class ReportTest {
  private static final String HOSTILE = "<script>alert(\"1\")</script> & 'co'";
  private static final double BUDGET = 0.0625;

  private static final MbConv SMALL = new MbConv(3, 1, 3, 8, Activation.RELU6, 0, true);
  private static final MbConv LARGE = new MbConv(5, 1, 6, 8, Activation.RELU6, 0, true);
  private static final Space SPACE =
      new Space(
          HOSTILE,
          3,
          new Architecture.Input(8, 8, 1),
          1e-3,
          List.of(
              new Position.Fixed(new Conv(3, 2, 1, 8, true, Activation.RELU6)),
              new Position.Choice(List.of(SMALL, LARGE, new Skip())),
              new Position.Choice(List.of(SMALL, LARGE, new Skip())),
              new Position.Fixed(new GlobalAvgPool()),
              new Position.Fixed(new Linear(3))));
  private static final int[] FOUND = {1, 2};
  private static final int[] RANDOM = {0, 0};

  private static final SearchConfig CONFIG =
      PublishedMethod.PROXYLESS_G
          .config(BUDGET)
          .withSeed(7)
          .withImages(SearchImages.DEFAULT, new BatchConfig(16, "light", 0.1))
          .withWeights(
              new WeightSteps(1, 0.05, 2, 0.025, 0, false, WeightSteps.Optimizer.SGD),
              DescentConfig.DEFAULT)
          .withArchitecture(new ArchitectureSteps(0, 1, 0.01, 1, 4, GateMode.values()[0], false))
          .withRetraining(new Retraining(2, 0.05, false, Regularization.NONE, TeacherConfig.NONE))
          .withRandomSamples(1);

  @TempDir private Path path;
  private RunDirectory directory = new RunDirectory(Path.of(""));

  @BeforeEach
  void startRun() throws IOException {
    directory = new RunDirectory(path);
    JsonObject run = new JsonObject();
    run.addProperty("format", "sextant-run/1");
    run.addProperty("data", "/data/" + HOSTILE);
    run.add("dataOptions", new Gson().toJsonTree(DataOptions.DEFAULT));
    run.add("config", ConfigJson.write(CONFIG));
    run.addProperty("tableGiven", true);
    run.addProperty("device", "cpu");
    run.addProperty("threads", 2);
    run.addProperty("latencyThreads", 1);
    run.addProperty("latencyBatch", 1);
    run.add("space", JsonParser.parseString(SPACE.toJson()));
    Files.writeString(path.resolve("run.json"), run.toString());
    LatencyFiles.write(table(), directory.latency());
  }

  /** Prices every layer of the space with another number. */
  private static LatencyTable table() {
    SequencedMap<LatencyTable.Key, LatencyTable.Entry> entries = new LinkedHashMap<>();
    Shape[] inputs = SPACE.inputShapes();
    for (int i = 0; i < inputs.length; i++) {
      List<Layer> candidates =
          switch (SPACE.positions().get(i)) {
            case Position.Fixed(Layer layer) -> List.of(layer);
            case Position.Choice(List<Layer> layers) -> layers;
          };
      for (Layer layer : candidates) {
        if (!(layer instanceof Skip)) {
          double ms = 0.0123 + 0.0011 * entries.size();
          entries.putIfAbsent(
              new LatencyTable.Key(layer, inputs[i]), new LatencyTable.Entry(ms, 2 * ms, 40));
        }
      }
    }
    return new LatencyTable(
        new LatencyTable.Setting("a \u0001 machine " + HOSTILE, "sextant", "cpu", 1, 1),
        0.004,
        1.25,
        entries);
  }

  private static String epoch(int epoch, String phase, String probabilities) {
    return String.format(
        Locale.ROOT,
        """
        {"event":"epoch","stage":"search","epoch":%d,"phase":"%s","loss":%s,"accuracy":0.5,\
        "validationLoss":1.5,"expectedCost":0.07,"entropy":0.9,"strength":0.3,\
        "architectureSteps":4,"weightStepPeakBytes":3145728,"architectureStepPeakBytes":2097152,\
        "probabilities":%s}
        """,
        epoch,
        phase,
        2.0 / epoch,
        probabilities);
  }

  private void searched() throws IOException {
    Files.writeString(
        directory.events(),
        epoch(1, "warm-up", "[[0.3,0.3,0.4],[0.3,0.3,0.4]]")
            + epoch(2, "joint", "[[0.2,0.5,0.3],[0.2,0.1,0.7]]"));
  }

  private void finished() throws IOException {
    searched();
    Files.writeString(directory.architecture(), SPACE.derive(FOUND).toJson());
    Files.writeString(
        directory.events(),
        Files.readString(directory.events())
            + """
            {"event":"epoch","stage":"retrain","epoch":1,"loss":1.2,"accuracy":0.6}
            {"event":"trained","stage":"retrain","predictedCost":0.0611,"measuredMs":0.0633,"testAccuracy":0.875}
            {"event":"epoch","stage":"random-1","epoch":1,"loss":1.3,"accuracy":0.5,"validationAccuracy":0.4}
            {"event":"epoch","stage":"random-retrain","epoch":1,"loss":1.25,"accuracy":0.55}
            {"event":"trained","stage":"random-retrain","predictedCost":0.0599,"measuredMs":0.0601,"testAccuracy":0.75}
            """);
    Files.writeString(
        directory.result(),
        """
        {"seconds.search": 30.5, "seconds.retrain": 10.25, "seconds.random-1": 20,
         "seconds.random-retrain": 9.5, "expectedCost": 0.0625123, "strength": 0.3141592,
         "constrained": true, "weightStepPeakBytes": 3145728, "architectureStepPeakBytes": 2097152,
         "found.decisions": [1, 2], "found.predictedCost": 0.0611, "found.measuredMs": 0.0633,
         "found.testAccuracy": 0.875, "random.decisions": [0, 0], "random.predictedCost": 0.0599,
         "random.measuredMs": 0.0601, "random.testAccuracy": 0.75, "budget": 0.0625}
        """);
  }

  /** Writes the report and parses it as XML, which fails on any tag left open or text unescaped. */
  private Document report() throws Exception {
    Report.write(directory);
    return DocumentBuilderFactory.newNSInstance()
        .newDocumentBuilder()
        .parse(directory.report().toFile());
  }

  private static List<Element> elements(Document document, String tag) {
    NodeList nodes = document.getElementsByTagName(tag);
    List<Element> elements = new ArrayList<>();
    for (int i = 0; i < nodes.getLength(); i++) {
      elements.add((Element) nodes.item(i));
    }
    return elements;
  }

  private static List<String> texts(Document document, String tag) {
    return elements(document, tag).stream().map(Element::getTextContent).toList();
  }

  private static List<Double> data(Element within) {
    NodeList nodes = within.getElementsByTagName("data");
    List<Double> values = new ArrayList<>();
    for (int i = 0; i < nodes.getLength(); i++) {
      values.add(Double.parseDouble(((Element) nodes.item(i)).getAttribute("value")));
    }
    return values;
  }

  @Test
  void summarySaysWhatTheFilesSay() throws Exception {
    finished();
    Document report = report();
    assertEquals(
        List.of(BUDGET, 0.0633, 0.875, 0.0625123, 0.3141592, 3145728.0, 2097152.0),
        data(elements(report, "dl").getFirst()));
    Architecture found = SPACE.derive(FOUND);
    Architecture random = SPACE.derive(RANDOM);
    assertEquals(
        List.of(
            0.0611,
            0.0633,
            0.0633 / BUDGET - 1,
            0.875,
            (double) found.parameters(),
            (double) found.macs(),
            40.75,
            0.0599,
            0.0601,
            0.0601 / BUDGET - 1,
            0.75,
            (double) random.parameters(),
            (double) random.macs(),
            29.5),
        data(elements(report, "table").getFirst()));
    assertTrue(texts(report, "data").contains("87.50 %"));
    assertTrue(
        texts(report, "dd").stream().anyMatch(text -> text.strip().startsWith("0.06330 ms")));
    assertTrue(texts(report, "dd").stream().anyMatch(text -> text.strip().startsWith("3.0 MiB")));
  }

  @Test
  void everyCandidateHasItsProbabilityAndEveryLayerItsCosts() throws Exception {
    finished();
    List<Element> figures = elements(report(), "figure");
    for (int choice = 0; choice < 2; choice++) {
      String caption =
          String.format(Locale.ROOT, "Choice %d (layer %d): 4×4×8 → 4×4×8", choice, choice + 1);
      String strip =
          figures.stream()
              .map(Element::getTextContent)
              .filter(text -> text.contains(caption))
              .findFirst()
              .orElseThrow();
      String[] percents =
          choice == 0 ? new String[] {"20", "50", "30"} : new String[] {"20", "10", "70"};
      for (int j = 0; j < 3; j++) {
        String label = SPACE.choices().get(choice).candidates().get(j).label();
        assertTrue(strip.contains(label), strip);
        assertTrue(strip.contains(percents[j] + ".0 %"), strip);
      }
    }
    String drawing =
        figures.stream()
            .map(Element::getTextContent)
            .filter(text -> text.strip().startsWith("Found by the search"))
            .findFirst()
            .orElseThrow();
    Architecture found = SPACE.derive(FOUND);
    List<Shape> shapes = found.shapes();
    for (int i = 0; i < found.layers().size(); i++) {
      Layer layer = found.layers().get(i);
      assertTrue(drawing.contains(layer.label()), drawing);
      assertTrue(drawing.contains(Numbers.grouped(layer.parameters(shapes.get(i)))), drawing);
      assertTrue(drawing.contains(Numbers.significant(table().ms(layer, shapes.get(i)))), drawing);
    }
    assertTrue(drawing.contains(Numbers.significant(table().predict(found))), drawing);
  }

  @Test
  void curvesLieWhereTheValuesAre() throws Exception {
    finished();
    List<String> titles = texts(report(), "title");
    assertTrue(titles.contains("training, epoch 2: 1.000"), titles.toString());
    assertTrue(titles.contains("average, epoch 1: 0.07000"), titles.toString());
    assertTrue(titles.contains("network found, epoch 1: 1.200"), titles.toString());
    assertTrue(titles.contains("best of random search, epoch 1: 55.00"), titles.toString());
    assertTrue(titles.contains("a network each, epoch 1: 40.00"), titles.toString());
    List<String> said =
        elements(report(), "svg").stream().map(svg -> svg.getAttribute("aria-label")).toList();
    assertTrue(
        said.contains(
            "Loss; training: 2.000 at epoch 1 to 1.000 at 2;"
                + " validation: 1.500 at epoch 1 to 1.500 at 2"),
        said.toString());
    Chart.Series line =
        new Chart.Series("a", 0, Chart.Stroke.SOLID, new double[] {0, 1}, new double[] {0, 10});
    Html html = new Html();
    new Chart("t", "y").add(line).draw(html);
    assertTrue(html.finish().contains("d=\"M62 206L446 14\""), html.finish());
  }

  /** A network of each kind, with its numbers, its link and its line of CSV. */
  @Test
  void everyNetworkSeenIsAPointThatLeadsToIt() throws Exception {
    finished();
    Files.writeString(
        directory.events(),
        Files.readString(directory.events())
                .replace("\"validationLoss\"", "\"validationAccuracy\":0.45,\"validationLoss\"")
            + "{\"event\":\"drawn\",\"stage\":\"random-1\",\"decisions\":[1,0]}\n");
    Document report = report();
    List<String> points =
        elements(report, "a").stream()
            .filter(a -> a.getAttribute("class").equals("point"))
            .map(a -> a.getAttribute("aria-label") + " " + a.getAttribute("href"))
            .toList();
    assertTrue(points.contains("network found: 87.50 at 0.06330 #network-3"), points.toString());
    assertTrue(
        points.contains("best of random search: 75.00 at 0.06010 #network-4"), points.toString());
    assertTrue(
        points.stream().anyMatch(p -> p.startsWith("random-1: 40.00 at ")), points.toString());
    assertTrue(
        points.stream().anyMatch(p -> p.startsWith("epoch 2: 45.00 at ")), points.toString());
    Element csv =
        elements(report, "a").stream()
            .filter(a -> a.getAttribute("download").equals("networks.csv"))
            .findFirst()
            .orElseThrow();
    String text = URLDecoder.decode(csv.getAttribute("href"), StandardCharsets.UTF_8);
    assertEquals(6, text.lines().count(), text);
    assertTrue(text.contains("found by the search (test),network found,0.875,0.0633,"), text);
  }

  @Test
  void latencyTableIsThere() throws Exception {
    finished();
    Element table =
        elements(report(), "table").stream()
            .filter(each -> each.getTextContent().strip().startsWith("Latency table"))
            .findFirst()
            .orElseThrow();
    List<Double> expected = new ArrayList<>();
    for (LatencyTable.Entry entry : table().entries().values()) {
      expected.addAll(List.of(entry.ms(), entry.p90Ms(), (double) entry.count()));
    }
    assertEquals(expected, data(table));
  }

  @Test
  void hostileNamesStayText() throws Exception {
    finished();
    Document report = report();
    assertEquals(List.of(), elements(report, "script"));
    assertTrue(texts(report, "h1").getFirst().contains(HOSTILE));
    assertTrue(texts(report, "td").contains("/data/" + HOSTILE));
    String text = Files.readString(directory.report());
    assertFalse(text.contains("<script"));
    assertFalse(text.contains("\u0001"));
    assertFalse(text.matches("(?s).*href=\"(?!#|data:text/csv).*"), text);
    assertFalse(text.contains("src="));
  }

  @Test
  void unfinishedRunsHaveReports() throws Exception {
    assertTrue(texts(report(), "span").contains("not finished: search, 0 of 3 epochs"));

    searched();
    // What is being written is not there yet.
    Files.writeString(directory.events(), Files.readString(directory.events()) + "{\"event\":\"ep");
    Document report = report();
    assertTrue(texts(report, "span").contains("not finished: search, 2 of 3 epochs"));
    List<Double> summary = data(elements(report, "dl").getFirst());
    assertEquals(List.of(BUDGET, Double.NaN, Double.NaN, 0.07, 0.3), summary.subList(0, 5));

    finished();
    Files.delete(directory.result());
    report = report();
    assertTrue(texts(report, "span").contains("not finished: random-retrain, epoch 1"));
    assertEquals(0.0633, data(elements(report, "dl").getFirst()).get(1));
    assertEquals(0.75, data(elements(report, "table").getFirst()).get(10));
  }

  @Test
  void damagedFilesAreNamed() throws Exception {
    finished();
    Report.write(directory);
    String before = Files.readString(directory.report());
    damaged("events.jsonl", "{\"event\":\"epoch\"}\n", "events.jsonl:1: epoch: is missing");
    damaged("events.jsonl", "[]\n", "events.jsonl:1: must be one JSON object");
    damaged(
        "events.jsonl",
        epoch(1, "joint", "[[1,0,0],[1,0]]"),
        "events.jsonl:1: probabilities[1]: 2 candidates where the space has 3");
    damaged("result.json", "{", "result.json: not JSON: the text ends too early");
    damaged("result.json", "{}", "result.json: seconds.search: is missing");
    damaged("architecture.json", "{}", "architecture.json: ");
    damaged("latency.json", "{}", "latency.json: ");
    damaged("run.json", "{}", "run.json: ");
    assertEquals(before, Files.readString(directory.report()));
  }

  private void damaged(String name, String text, String message) throws IOException {
    Path file = path.resolve(name);
    String good = Files.readString(file);
    Files.writeString(file, text);
    SextantException e = assertThrows(SextantException.class, () -> Report.write(directory));
    assertTrue(e.getMessage().contains(message), e.getMessage());
    Files.writeString(file, good);
  }

  @Test
  void numbersHaveFourDigits() {
    assertEquals("0.5000", Numbers.significant(0.5));
    assertEquals("0.00001235", Numbers.significant(1.23456e-5));
    assertEquals("123500", Numbers.significant(123_456));
    assertEquals("0", Numbers.significant(0));
    assertEquals("–", Numbers.significant(Double.NaN));
    assertEquals("30.0 s", Numbers.duration(30));
    assertEquals("7,384.0 s (2 h 03 min)", Numbers.duration(7384));
  }

  @Test
  void ticksAreRound() {
    Axis axis = Axis.of(0.083, 0.117, 5, 0);
    assertEquals(new Axis(0.08, 0.12, 0.01), axis);
    assertEquals("0.09", axis.label(axis.ticks()[1]));
    assertEquals(5, axis.ticks().length);
    assertEquals(1, Axis.of(0, 2, 8, 1).step());
    assertEquals(20, Axis.of(0, 160, 8, 1).step());
    assertEquals("0", Axis.of(-2, 2, 4, 0).label(-0.0));
    Axis flat = Axis.of(0.2, 0.2, 5, 0);
    assertTrue(flat.low() < 0.2 && flat.high() > 0.2, flat.toString());
  }
}
