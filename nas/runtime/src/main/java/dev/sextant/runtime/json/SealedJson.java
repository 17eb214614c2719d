package dev.sextant.runtime.json;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import dev.sextant.tensor.SextantException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;
import java.util.function.Function;

/**
 * JSON texts that hold their own SHA-256, as the last field {@value #FIELD}: of all their bytes,
 * its own digits taken as zeros. Whatever is changed in such a text, it is refused.
 */
public final class SealedJson {
  /** The field of the checksum. */
  public static final String FIELD = "sha256";

  private static final String NONE = "0".repeat(64);

  private SealedJson() {}

  /**
   * {@return the text of an object with its checksum}
   *
   * @param root gets the field, and becomes what the text says
   * @param print makes a text of it
   * @param before what the text follows, such as the checksum of a line before; it is covered too
   */
  public static String write(JsonObject root, Function<JsonObject, String> print, String before) {
    root.remove(FIELD);
    root.addProperty(FIELD, NONE);
    String open = print.apply(root);
    String checksum = checksum(before + open);
    root.addProperty(FIELD, checksum);
    int at = open.lastIndexOf(NONE);
    return open.substring(0, at) + checksum + open.substring(at + NONE.length());
  }

  /**
   * Checks a text's checksum.
   *
   * @param root what the text says
   * @param text as it was written
   * @param source what errors call the text
   * @param before as of {@link #write}
   * @return the checksum
   * @throws SextantException if there is none, or another
   */
  public static String check(JsonObject root, String text, String source, String before) {
    JsonElement field = root.get(FIELD);
    if (!(field instanceof JsonPrimitive said) || !said.isString()) {
      throw new SextantException(source + ": is damaged, its SHA-256 is gone");
    }
    String checksum = said.getAsString();
    int at = text.lastIndexOf(checksum);
    String actual =
        checksum.length() == NONE.length() && at >= 0
            ? checksum(
                before + text.substring(0, at) + NONE + text.substring(at + checksum.length()))
            : "another";
    if (!actual.equals(checksum)) {
      throw new SextantException(
          String.format(
              Locale.ROOT, "%s: is damaged, its SHA-256 is %s, not %s", source, actual, checksum));
    }
    return checksum;
  }

  /**
   * {@return the SHA-256 of a text in UTF-8, as 64 hexadecimal digits}
   *
   * @param text any text
   */
  public static String checksum(String text) {
    return HexFormat.of().formatHex(digest().digest(text.getBytes(StandardCharsets.UTF_8)));
  }

  /** {@return a new SHA-256} */
  public static MessageDigest digest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
