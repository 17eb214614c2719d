package dev.sextant.nas.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.compare.Standing.Failure;
import dev.sextant.nas.compare.Standing.Outcome;
import dev.sextant.nas.compare.Standing.Spread;
import dev.sextant.nas.method.RunLength;
import dev.sextant.tensor.SextantException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Means, deviations and sentences of a comparison, and the page that shows them. */
class StandingTest {
  @TempDir private static Path folder;

  private static final double BUDGET = 0.1;

  private static Plan.Planned method(String name) {
    PartSeconds parts = new PartSeconds(1, 1, 1, 1, 1, 1);
    return new Plan.Planned(
        name,
        "small",
        name.equals("random") || name.equals("prior"),
        parts,
        new RunLength(1, 2, 3, 1),
        60,
        name.equals("prior"));
  }

  private static Plan plan(int seeds, String... names) {
    List<Plan.Planned> methods = new ArrayList<>();
    for (String name : names) {
      methods.add(method(name));
    }
    return new Plan(new TreeMap<>(), "builtin", BUDGET, false, 60, seeds, methods);
  }

  private static Outcome outcome(String method, int seed, double accuracy, double ms) {
    return new Outcome(method, method + "-seed" + seed, seed, accuracy, ms, ms, 60);
  }

  @Test
  void aSpreadIsMeanAndSampleDeviation() {
    Spread spread = Spread.of(new double[] {2, 4, 4, 6});
    assertEquals(4, spread.mean());
    assertEquals(Math.sqrt(8 / 3.0), spread.deviation(), 1e-15);
    assertTrue(Double.isNaN(Spread.of(new double[] {3}).deviation()));
    assertTrue(Double.isNaN(Spread.of(new double[0]).mean()));
  }

  @Test
  void networksWithinThreePercentAreCounted() {
    Standing standing =
        new Standing(
            plan(4, "tunas"),
            List.of(
                outcome("tunas", 1, 0.9, 0.1029),
                outcome("tunas", 2, 0.8, 0.0971),
                outcome("tunas", 3, 0.7, 0.1031),
                outcome("tunas", 4, 0.6, 0.0969)),
            List.of());
    Standing.Summary row = standing.summaries().getFirst();
    assertEquals(2, row.withinBudget());
    assertEquals(4, row.runs());
    assertEquals(0.75, row.accuracy().mean(), 1e-15);
    assertEquals(0.1, row.measuredMs().mean(), 1e-15);
  }

  /** 0.90 +- 0.011 is not more than 0.011 above 0.893 +- 0.001, and is above 0.885. */
  @Test
  void aMethodThatDoesNotBeatRandomSearchIsNamed() {
    List<Outcome> runs = new ArrayList<>();
    for (int seed = 1; seed <= 6; seed++) {
      int side = seed % 2 == 0 ? 1 : -1;
      runs.add(outcome("tunas", seed, 0.9 + 0.01 * side, 0.1));
      runs.add(outcome("random", seed, 0.893 + 0.001 * side, 0.1));
      runs.add(outcome("proxyless-g", seed, 0.93, 0.1));
    }
    Plan plan = plan(6, "tunas", "proxyless-g", "random");
    List<String> remarks = new Standing(plan, runs, List.of()).remarks();
    assertEquals(1, remarks.size(), remarks::toString);
    assertTrue(remarks.getFirst().startsWith("tunas does not beat random search"));
    assertTrue(remarks.getFirst().contains("90.00 % against 89.30 %"), remarks::toString);
    assertTrue(remarks.getFirst().contains("of 6 pairs"), remarks::toString);

    runs.replaceAll(
        run -> run.method().equals("random") ? outcome("random", run.seed(), 0.885, 0.1) : run);
    assertEquals(List.of(), new Standing(plan, runs, List.of()).remarks());
  }

  /** And whatever three seeds show may be chance. */
  @Test
  void aMethodBelowThePriorIsNamed() {
    List<Outcome> runs = new ArrayList<>();
    for (int seed = 1; seed <= 3; seed++) {
      runs.add(outcome("tunas", seed, 0.9, 0.1));
      runs.add(outcome("random", seed, 0.88 + 0.001 * seed, 0.1));
      runs.add(outcome("prior", seed, 0.91 + 0.001 * seed, 0.1));
    }
    List<String> remarks =
        new Standing(plan(3, "tunas", "random", "prior"), runs, List.of()).remarks();
    assertEquals(2, remarks.size(), remarks::toString);
    assertTrue(remarks.get(0).contains("ahead of random search"), remarks::toString);
    assertTrue(remarks.get(0).contains("p = 0.250 of 3 pairs, which are too few"));
    assertTrue(remarks.get(1).startsWith("tunas is below the training-free prior: 90.00 %"));
  }

  /** Against numbers counted by hand, and against the test of many pairs that are drawn. */
  @Test
  void signsOfDifferencesAreCounted() {
    assertEquals(1, PairedTest.of(new double[0]).p());
    assertEquals(1, PairedTest.of(new double[] {0, 0, 0}).p());
    // 1 + 2 - 3 = 0 and all 7 others are as far; 1 + 2 + 3 and its mirror alone.
    assertEquals(1, PairedTest.of(new double[] {1, 2, -3}).p());
    assertEquals(0.25, PairedTest.of(new double[] {1, 2, 3}).p());
    // Of 16 sums of 1, 2, 4, -1: 6 is reached by +1+2+4-1, exceeded by 8 and mirrored; as is
    // 1 + 2 + 4 - 1 with the ones exchanged.
    assertEquals(6 / 16.0, PairedTest.of(new double[] {1, 2, 4, -1}).p());
    assertTrue(PairedTest.of(new double[] {1, 1, 1, 1, 1, 1}).differs());
    assertFalse(PairedTest.of(new double[] {1, 1, 1, 1, 1}).differs());
    assertTrue(PairedTest.of(new double[] {1, 1, 1, 1, 1}).isTooFew());
    double[] many = new double[40];
    java.util.Arrays.setAll(many, i -> i % 5 == 0 ? -1 : 1);
    assertTrue(PairedTest.of(many).p() < 0.001);
    java.util.Arrays.setAll(many, i -> i % 2 == 0 ? -1 : 1);
    assertEquals(1, PairedTest.of(many).p());
  }

  @Test
  void whatCannotBeComparedIsSaid() {
    Standing alone = new Standing(plan(1, "tunas"), List.of(), List.of());
    assertTrue(alone.remarks().getFirst().contains("Random search is not among the methods"));
    Standing once =
        new Standing(
            plan(1, "tunas", "random"),
            List.of(outcome("tunas", 1, 0.9, 0.1), outcome("random", 1, 0.8, 0.1)),
            List.of(new Failure("x-seed1", "loss is NaN")));
    assertEquals("x-seed1 went wrong: loss is NaN", once.remarks().getFirst());
    assertTrue(once.remarks().get(1).contains("too few for a deviation"));
  }

  @Test
  void plansThatCannotRunAreRefused() {
    assertThrows(SextantException.class, () -> plan(0, "tunas"));
    assertThrows(SextantException.class, () -> plan(1, "tunas", "tunas"));
  }

  /** Well-formed, nothing fetched, a point for each run. */
  @Test
  void thePageShowsEveryRun() throws Exception {
    Path file = folder.resolve("compare.html");
    ComparisonPage.write(
        file,
        new Standing(
            plan(2, "tunas", "random"),
            List.of(outcome("tunas", 1, 0.9, 0.1), outcome("random", 1, 0.8, 0.12)),
            List.of(new Failure("random-seed2", "<not> & fine"))),
        Map.of(
            "tunas",
            List.of(new AccuracyOverTime.Point(10, 0.5), new AccuracyOverTime.Point(30, 0.9))));
    String page = Files.readString(file);
    assertTrue(page.contains("not finished: 2 of 4 runs"), page);
    assertTrue(page.contains("tunas-seed1/report.html"));
    assertTrue(page.contains("Accuracy over the time of a run"));
    assertTrue(page.contains("&lt;not&gt; &amp; fine"));
    assertFalse(page.contains("NaN"));
    assertEquals(2, page.split("<title>(tunas|random), measured latency", -1).length - 1);
    var factory = DocumentBuilderFactory.newInstance();
    factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", false);
    assertEquals(
        "html",
        factory
            .newDocumentBuilder()
            .parse(
                new java.io.ByteArrayInputStream(
                    page.getBytes(java.nio.charset.StandardCharsets.UTF_8)))
            .getDocumentElement()
            .getTagName());
  }
}
