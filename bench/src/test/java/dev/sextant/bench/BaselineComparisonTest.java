package dev.sextant.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class BaselineComparisonTest {
  private static Row row(String name, double ours, double peer) {
    return new Row(name, MeasuredTest.of(ours), MeasuredTest.of(peer));
  }

  private static Results results(Row... rows) {
    return new Results("machine", 2, List.of(rows));
  }

  @Test
  void namesWhatGotMoreThanATenthSlowerWithBothNumbers() {
    BaselineComparison found =
        BaselineComparison.of(
            results(row("a", 10, 20), row("b", 10, 20)),
            results(row("a", 11.5, 20), row("b", 10.9, 20)));
    assertEquals(List.of("a: 11.5 ms, was 10.0 ms (+15 %)"), found.slower());
    assertTrue(found.report().contains("more than 10 % slower"), found.report());
  }

  @Test
  void blamesTheMachineWhereThePeerSlowedAsWell() {
    BaselineComparison found =
        BaselineComparison.of(results(row("a", 10, 20)), results(row("a", 15, 30)));
    assertEquals(List.of(), found.slower());
    assertEquals(List.of("a: 15.0 ms, was 10.0 ms (+50 %)"), found.withPeer());
  }

  @Test
  void judgesByTimeAloneWithoutAPeer() {
    Row before = new Row("a", MeasuredTest.of(10), null);
    Row after = new Row("a", MeasuredTest.of(12), null);
    assertEquals(1, BaselineComparison.of(results(before), results(after)).slower().size());
    assertEquals(
        1, BaselineComparison.of(results(row("a", 10, 9)), results(after)).slower().size());
  }

  @Test
  void namesWhatGotFasterAndWhatIsNew() {
    BaselineComparison found =
        BaselineComparison.of(
            results(row("a", 10, 20), row("gone", 1, 1)),
            results(row("a", 5, 20), row("new", 1, 1)));
    assertEquals(List.of("a: 5.00 ms, was 10.0 ms (-50 %)"), found.faster());
    assertEquals(List.of("new"), found.unknown());
    assertTrue(found.report().contains("no hot path got more than 10 % slower"));
  }
}
