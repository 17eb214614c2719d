package dev.sextant.nas.data;

import static dev.sextant.nas.data.TestData.assertError;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SplitTest {
  @Test
  void everyClassGivesItsShare() {
    Images images = TestData.random(1000, 1, 1, 1, 10);
    Split split = Split.stratifiedCount(images, 250, 0);
    int[] perClass = new int[10];
    for (int i : split.validation()) {
      perClass[images.label(i)]++;
    }
    assertArrayEquals(new int[] {25, 25, 25, 25, 25, 25, 25, 25, 25, 25}, perClass);
  }

  @Test
  void partsAreDisjointCompleteAndAscending() {
    Images images = TestData.random(103, 1, 1, 1, 7);
    Split split = Split.stratified(images, 0.3, 5);
    assertEquals(31, split.validation().length);
    int[] all =
        IntStream.concat(Arrays.stream(split.train()), Arrays.stream(split.validation()))
            .sorted()
            .toArray();
    assertArrayEquals(IntStream.range(0, 103).toArray(), all);
    int[] sorted = split.train().clone();
    Arrays.sort(sorted);
    assertArrayEquals(sorted, split.train());
  }

  @Test
  void remaindersGoToTheLargest() {
    // 5, 3 and 2 images of which 4 are held out: shares 2.0, 1.2 and 0.8.
    Images images = Images.of(1, 1, 1, new byte[10], new int[] {0, 0, 0, 0, 0, 1, 1, 1, 2, 2});
    int[] perClass = new int[3];
    for (int i : Split.stratifiedCount(images, 4, 1).validation()) {
      perClass[images.label(i)]++;
    }
    assertArrayEquals(new int[] {2, 1, 1}, perClass);
  }

  @Test
  void theSeedDecides() {
    Images images = TestData.random(200, 1, 1, 1, 10);
    int[] first = Split.stratified(images, 0.5, 0).validation();
    assertArrayEquals(first, Split.stratified(images, 0.5, 0).validation());
    assertFalse(Arrays.equals(first, Split.stratified(images, 0.5, 1).validation()));
  }

  @Test
  void impossibleSplits() {
    Images images = TestData.random(10, 1, 1, 1, 2);
    for (double fraction : new double[] {0, 1, -0.5, Double.NaN}) {
      assertError(() -> Split.stratified(images, fraction, 0), "fraction " + fraction);
    }
    for (int count : new int[] {0, 10, -1}) {
      assertError(() -> Split.stratifiedCount(images, count, 0), count + " of 10 images");
    }
  }
}
