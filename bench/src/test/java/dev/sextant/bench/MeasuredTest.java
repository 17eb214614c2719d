package dev.sextant.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class MeasuredTest {
  static Measured of(double... millis) {
    return new Measured(Arrays.stream(millis).mapToObj(ms -> new Fork(ms, 8, 0)).toList());
  }

  @Test
  void takesTheMedianOfForks() {
    assertEquals(2, of(9, 1, 2).millis());
    assertEquals(2.5, of(9, 1, 2, 3).millis());
    assertEquals(7, of(7).millis());
    assertThrows(IllegalArgumentException.class, () -> new Measured(List.of()));
  }

  @Test
  void comparesTheSlowestForkWithTheMedian() {
    assertEquals(4.5, of(9, 1, 2).worstFork());
    assertEquals(1, of(3, 3, 3).worstFork());
  }

  @Test
  void takesTheMedianOfBytes() {
    Measured measured =
        new Measured(List.of(new Fork(1, 0, 0), new Fork(1, 900, 0), new Fork(1, 16, 0)));
    assertEquals(16, measured.bytes());
  }

  @Test
  void isDisturbedByOneForkBesideOtherProcesses() {
    assertFalse(of(1, 2).isDisturbed());
    assertTrue(new Measured(List.of(new Fork(1, 0, 0), new Fork(1, 0, 0.5))).isDisturbed());
  }

  @Test
  void dividesThePeersTimeByOurs() {
    assertEquals(4, new Row("x", of(1, 2, 3), of(8, 8, 9)).ratio());
    assertTrue(Double.isNaN(new Row("x", of(1), null).ratio()));
  }
}
