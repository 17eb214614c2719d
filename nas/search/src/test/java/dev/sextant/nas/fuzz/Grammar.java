package dev.sextant.nas.fuzz;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** How valid inputs are changed into others, most of which are not. */
interface Grammar {
  /** Another input, which may be as good as the one given. */
  byte[] change(byte[] good, Choices choices);

  /** Numbers that sizes, counts and offsets are afraid of. */
  int[] EXTREMES = {0, 1, -1, Integer.MIN_VALUE, Integer.MAX_VALUE, 1 << 28, 0x7FFF, 0x10000};

  /** Bytes changed, cut, added, repeated. */
  Grammar BYTES =
      (good, choices) -> {
        byte[] bytes = good.clone();
        for (int n = 1 + choices.below(4); n > 0 && bytes.length > 0; n--) {
          bytes = changed(bytes, choices);
        }
        return bytes;
      };

  /** The same, where numbers stand in front. */
  Grammar HEADED =
      (good, choices) -> {
        byte[] bytes = good.clone();
        for (int n = 1 + choices.below(3); n > 0 && bytes.length > 0; n--) {
          if (choices.oneIn(2)) {
            int word = choices.below(Math.min(bytes.length, 24)) & ~3;
            if (word + Integer.BYTES <= bytes.length) {
              ByteBuffer.wrap(bytes).putInt(word, EXTREMES[choices.below(EXTREMES.length)]);
            }
          } else {
            bytes = changed(bytes, choices);
          }
        }
        return bytes;
      };

  private static byte[] changed(byte[] bytes, Choices choices) {
    int at = choices.below(bytes.length);
    switch (choices.below(7)) {
      case 0 -> bytes[at] ^= (byte) (1 << choices.below(8));
      case 1 -> bytes[at] = (byte) choices.below(256);
      case 2 -> bytes[at] = choices.oneIn(2) ? (byte) 0xFF : 0;
      case 3 -> bytes = Arrays.copyOf(bytes, at);
      case 4 -> bytes = Arrays.copyOf(bytes, bytes.length + choices.below(40));
      case 5 -> {
        int other = choices.below(bytes.length);
        int from = Math.min(at, other);
        bytes = inserted(bytes, at, Arrays.copyOfRange(bytes, from, Math.max(at, other)));
      }
      default -> {
        int other = choices.below(bytes.length);
        int to = Math.max(at, other);
        bytes = without(bytes, Math.min(at, other), to);
      }
    }
    return bytes;
  }

  private static byte[] inserted(byte[] bytes, int at, byte[] more) {
    byte[] result = Arrays.copyOf(bytes, bytes.length + more.length);
    System.arraycopy(bytes, at, result, at + more.length, bytes.length - at);
    System.arraycopy(more, 0, result, at, more.length);
    return result;
  }

  private static byte[] without(byte[] bytes, int from, int to) {
    byte[] result = Arrays.copyOf(bytes, bytes.length - (to - from));
    System.arraycopy(bytes, to, result, from, bytes.length - to);
    return result;
  }

  /** Of this grammar, and one in some cases of another. */
  default Grammar or(Grammar other, int seldom) {
    return (good, choices) ->
        choices.oneIn(seldom) ? other.change(good, choices) : change(good, choices);
  }

  static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
