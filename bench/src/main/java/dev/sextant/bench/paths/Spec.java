package dev.sextant.bench.paths;

import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * What a benchmark is asked for, in words: a shape as in {@code 64x32x32x96}, numbers as in {@code
 * k3} and {@code s2}, and plain words.
 */
final class Spec {
  private final String text;
  private final List<String> words;

  /** Reads words separated by blanks. */
  Spec(String text) {
    this.text = text;
    words = new ArrayList<>(Arrays.asList(text.split(" ")));
  }

  /** Takes the first word. */
  String word() {
    if (words.isEmpty()) {
      throw missing("another word");
    }
    return words.removeFirst();
  }

  /** Takes the extents, which are the one word like {@code 1x2}. */
  int[] extents() {
    String shape = take("\\d+(x\\d+)+", "extents");
    return Arrays.stream(shape.split("x")).mapToInt(Integer::parseInt).toArray();
  }

  /** Takes the extents as a shape. */
  Shape shape() {
    return Shape.of(extents());
  }

  /** Takes the number after a letter, as in {@code k3}. */
  int number(String letter) {
    return Integer.parseInt(take(letter + "\\d+", letter + " and a number").substring(1));
  }

  /** Takes a plain word where it is there. */
  boolean has(String word) {
    return words.remove(word);
  }

  private String take(String pattern, String what) {
    for (String word : words) {
      if (word.matches(pattern)) {
        words.remove(word);
        return word;
      }
    }
    throw missing(what);
  }

  private SextantException missing(String what) {
    return new SextantException(String.format(Locale.ROOT, "benchmark '%s': lacks %s", text, what));
  }

  /** Refuses words that nobody read. */
  void checkAllRead() {
    if (!words.isEmpty()) {
      throw new SextantException(
          String.format(Locale.ROOT, "benchmark '%s': does not understand %s", text, words));
    }
  }
}
