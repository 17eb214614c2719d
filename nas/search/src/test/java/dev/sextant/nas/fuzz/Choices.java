package dev.sextant.nas.fuzz;

import java.util.Random;

/**
 * Where the decisions of a changed input come from: a seed and a number, which repeat it, or bytes,
 * which a coverage-guided fuzzer chooses.
 */
abstract class Choices {
  /** A whole number from 0 to below that. */
  abstract int below(int bound);

  boolean oneIn(int many) {
    return below(many) == 0;
  }

  /** Those of a case of a seeded run. */
  static Choices of(long seed, long number) {
    Random random = new Random(seed * 0x9E3779B97F4A7C15L + number);
    return new Choices() {
      @Override
      int below(int bound) {
        return random.nextInt(bound);
      }
    };
  }

  /** Those that bytes say, two each; 0 after the last. */
  static Choices of(byte[] bytes) {
    return new Choices() {
      private int at;

      private int next() {
        return at < bytes.length ? bytes[at++] & 0xFF : 0;
      }

      @Override
      int below(int bound) {
        int value = next();
        return (bound > 256 ? value << 8 | next() : value) % bound;
      }
    };
  }
}
