package dev.sextant.runtime.json;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.sextant.tensor.SextantException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("machine-text")
class JsonTextTest {
  /** As the documentation of {@link JsonText} has it. */
  private static final long BYTES_PER_BYTE = 200;

  private static final int KEYS = 200_000;

  private static String numbers(int count) {
    return "[" + "1,".repeat(count - 1) + "1]";
  }

  /** Texts that make a careless reader's time or memory grow with the square of their length. */
  private static List<String> hostile() {
    List<String> texts = new ArrayList<>();
    texts.add("{\"" + "k".repeat(KEYS) + "\":" + numbers(KEYS) + "}");
    texts.add("{\"" + "k".repeat(KEYS) + "\":[" + "{},".repeat(KEYS) + "[]]}");
    texts.add("{\"a\":".repeat(60) + numbers(KEYS) + "}".repeat(60));
    texts.add(("{\"" + "k".repeat(2000) + "\":").repeat(60) + numbers(KEYS) + "}".repeat(60));
    texts.add(
        IntStream.range(0, 50_000)
            .mapToObj(i -> "\"" + i + "\":0")
            .collect(Collectors.joining(",", "{", "}")));
    // Keys whose hashes are all the same.
    texts.add(
        IntStream.range(0, 1 << 14)
            .mapToObj(
                i ->
                    IntStream.range(0, 14)
                        .mapToObj(bit -> (i >> bit & 1) == 0 ? "Aa" : "BB")
                        .collect(Collectors.joining("", "\"", "\":0")))
            .collect(Collectors.joining(",", "{", "}")));
    // The longest that a number can be.
    texts.add("{\"n\":[" + ("0." + "9".repeat(1000) + ",").repeat(200) + "1]}");
    return texts;
  }

  @Test
  void memoryIsLinearInTheText() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    JsonText.parse("{\"a\":[1]}", "warm");
    for (String text : hostile()) {
      long before = threads.getCurrentThreadAllocatedBytes();
      JsonText.parse(text, "text");
      double each = (threads.getCurrentThreadAllocatedBytes() - before) / (double) text.length();
      assertTrue(
          each <= BYTES_PER_BYTE, () -> each + " bytes for each of " + text.substring(0, 20));
    }
  }

  @Test
  void placesAreShortAndWithoutControlCharacters() {
    refused("a[1].b: the number is too large", "{\"a\":[1,{\"b\":1e999}]}");
    refused("a.b: is given twice", "{\"a\":{\"b\":1,\"b\":2}}");
    refused("a[0][1]: the number is too large", "{\"a\":[[1,1e999]]}");
    refused(
        "?]0;owned?: is given twice",
        "{\"\\u001b]0;owned\\u0007\":1,\"\\u001b]0;owned\\u0007\":2}");
    String key = "k".repeat(KEYS);
    String message =
        assertThrows(SextantException.class, () -> JsonText.parse("{\"" + key + "\":[1e999]}", "f"))
            .getMessage();
    assertTrue(message.length() < 300, message);
    message =
        assertThrows(SextantException.class, () -> JsonText.parse("{\"" + key + "\":[x]}", "f"))
            .getMessage();
    assertTrue(message.length() < 300, message);
  }

  private static void refused(String what, String text) {
    assertEquals(
        "f: " + what,
        assertThrows(SextantException.class, () -> JsonText.parse(text, "f")).getMessage());
  }
}
