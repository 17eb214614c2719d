package dev.sextant.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;

class CasesTest {
  @Test
  void haveNamesOfTheirOwn() {
    List<String> names = Cases.all().stream().map(Case::name).toList();
    assertEquals(names.size(), new HashSet<>(names).size(), names.toString());
  }

  @Test
  void theShortListIsPartOfTheLongOne() {
    assertTrue(Cases.all().containsAll(Cases.brief()));
    assertTrue(Cases.all().size() > Cases.brief().size());
  }

  @Test
  void coverDepthwiseKernelsAndStrides() {
    List<String> names = Cases.all().stream().map(Case::name).toList();
    for (String pass : List.of("forward", "data", "filter")) {
      for (int kernel : new int[] {3, 5, 7}) {
        for (int stride : new int[] {1, 2}) {
          String end = " k%d s%d".formatted(kernel, stride);
          assertTrue(
              names.stream().anyMatch(n -> n.startsWith("depthwise " + pass) && n.endsWith(end)),
              () -> pass + end + " in " + names);
        }
      }
    }
  }
}
