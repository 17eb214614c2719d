package dev.sextant.runtime.json;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.MalformedJsonException;
import dev.sextant.runtime.PlainFile;
import dev.sextant.tensor.SextantException;
import java.io.EOFException;
import java.io.IOException;
import java.io.StringReader;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.Locale;
import java.util.function.BiConsumer;

/**
 * JSON text to a tree and back.
 *
 * <p>Reading is strict (RFC 8259) and refuses what a hostile file would try: a field given twice,
 * nesting deeper than {@value #MAX_DEPTH}, numbers no double can hold, files above {@value
 * #MAX_BYTES} bytes. It takes time and memory linear in the text: at most 200 bytes are allocated
 * for each of its own.
 */
public final class JsonText {
  private static final int MAX_DEPTH = 64;
  private static final int MAX_BYTES = 16 << 20;
  private static final int LINE = 100;

  private JsonText() {}

  /**
   * {@return the text of a UTF-8 file}
   *
   * @param file of the text
   * @throws SextantException if it cannot be read, is too large or is not UTF-8
   */
  public static String readFile(Path file) {
    PlainFile.check(file, "a text file");
    try (var in = Files.newInputStream(file)) {
      byte[] bytes = in.readNBytes(MAX_BYTES + 1);
      if (bytes.length > MAX_BYTES) {
        throw new SextantException(
            String.format(Locale.ROOT, "%s: larger than %d bytes", file, MAX_BYTES));
      }
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new SextantException(file + ": not UTF-8 text", e);
    } catch (NoSuchFileException e) {
      throw new SextantException(file + ": no such file", e);
    } catch (IOException e) {
      throw new SextantException(
          String.format(Locale.ROOT, "%s: cannot be read (%s)", file, e.getMessage()), e);
    }
  }

  /**
   * Reads a UTF-8 file line by line. A last line without an end is being written, and left out.
   *
   * @param file of lines no longer than {@value #MAX_BYTES} characters
   * @param reader given each line, without its end, and what errors call it
   * @throws SextantException if it cannot be read, a line is too long, or it is not UTF-8
   */
  public static void forEachLine(Path file, BiConsumer<String, String> reader) {
    PlainFile.check(file, "a text file");
    try (var in = Files.newBufferedReader(file)) {
      StringBuilder line = new StringBuilder();
      int number = 1;
      for (int c; (c = in.read()) >= 0; ) {
        if (c == '\n') {
          reader.accept(line.toString(), file + ":" + number++);
          line.setLength(0);
        } else if (line.length() == MAX_BYTES) {
          throw new SextantException(
              String.format(
                  Locale.ROOT, "%s:%d: longer than %d characters", file, number, MAX_BYTES));
        } else {
          line.append((char) c);
        }
      }
    } catch (CharacterCodingException e) {
      throw new SextantException(file + ": not UTF-8 text", e);
    } catch (IOException e) {
      throw new SextantException(
          String.format(Locale.ROOT, "%s: cannot be read (%s)", file, e.getMessage()), e);
    }
  }

  /**
   * {@return the tree of a text whose outermost value is an object}
   *
   * @param text JSON
   * @param source what errors call the text: a file name
   * @throws SextantException if it is not
   */
  public static JsonObject parse(String text, String source) {
    JsonReader reader = new JsonReader(new StringReader(text));
    reader.setStrictness(Strictness.STRICT);
    reader.setNestingLimit(MAX_DEPTH);
    try {
      JsonElement root = element(reader, source, new JsonPlace(null));
      reader.peek(); // throws where something follows
      if (root instanceof JsonObject object) {
        return object;
      }
      throw new SextantException(source + ": must be one JSON object");
    } catch (EOFException e) {
      throw new SextantException(source + ": not JSON: the text ends too early", e);
    } catch (MalformedJsonException e) {
      throw new SextantException(
          String.format(Locale.ROOT, "%s: not JSON: %s", source, sentence(e)), e);
    } catch (IOException e) {
      throw new SextantException(
          String.format(Locale.ROOT, "%s: cannot be read (%s)", source, e.getMessage()), e);
    }
  }

  /** Gson's first line, without its advice to the programmer who calls it. */
  private static String sentence(MalformedJsonException e) {
    String message = String.valueOf(e.getMessage());
    String sentence =
        message
            .lines()
            .findFirst()
            .orElse("")
            .replace(
                "Use JsonReader.setStrictness(Strictness.LENIENT) to accept malformed JSON",
                "unexpected text");
    return JsonPlace.clean(sentence);
  }

  private static JsonElement element(JsonReader reader, String source, JsonPlace place)
      throws IOException {
    return switch (reader.peek()) {
      case BEGIN_OBJECT -> {
        JsonObject object = new JsonObject();
        JsonPlace inner = new JsonPlace(place);
        reader.beginObject();
        while (reader.hasNext()) {
          String name = reader.nextName();
          inner.at(name);
          if (object.has(name)) {
            throw new SextantException(
                String.format(Locale.ROOT, "%s: %s: is given twice", source, inner));
          }
          object.add(name, element(reader, source, inner));
        }
        reader.endObject();
        yield object;
      }
      case BEGIN_ARRAY -> {
        JsonArray array = new JsonArray();
        JsonPlace inner = new JsonPlace(place);
        reader.beginArray();
        while (reader.hasNext()) {
          inner.at(array.size());
          array.add(element(reader, source, inner));
        }
        reader.endArray();
        yield array;
      }
      case STRING -> new JsonPrimitive(reader.nextString());
      case NUMBER -> number(reader.nextString(), source, place);
      case BOOLEAN -> new JsonPrimitive(reader.nextBoolean());
      case NULL -> {
        reader.nextNull();
        yield JsonNull.INSTANCE;
      }
      case END_ARRAY, END_OBJECT, NAME, END_DOCUMENT ->
          throw new MalformedJsonException("Expected a value");
    };
  }

  private static JsonPrimitive number(String literal, String source, JsonPlace place) {
    double value = Double.parseDouble(literal);
    if (Double.isInfinite(value)) {
      throw new SextantException(
          String.format(Locale.ROOT, "%s: %s: the number is too large", source, place));
    }
    boolean whole = value == Math.rint(value) && Math.abs(value) < 1L << 53;
    return whole ? new JsonPrimitive((long) value) : new JsonPrimitive(value);
  }

  /**
   * {@return the text of a tree, ending in a newline: what fits a line stays on it, fields in their
   * order}
   *
   * @param root an object
   */
  public static String print(JsonObject root) {
    StringBuilder text = new StringBuilder();
    print(text, root, 0, 0, true);
    return text.append('\n').toString();
  }

  /** Appends an element that starts at that column; the outermost is always broken into lines. */
  private static void print(
      StringBuilder text, JsonElement element, int indent, int column, boolean outermost) {
    String line = inline(element);
    boolean container = element.isJsonObject() || element.isJsonArray();
    // One column is left for the comma that may follow.
    if (!outermost && (!container || column + line.length() < LINE)) {
      text.append(line);
      return;
    }
    String pad = " ".repeat(indent + 2);
    String separator = "\n";
    if (element instanceof JsonObject object) {
      text.append('{');
      for (var entry : object.entrySet()) {
        String name = new JsonPrimitive(entry.getKey()) + ": ";
        text.append(separator).append(pad).append(name);
        print(text, entry.getValue(), indent + 2, indent + 2 + name.length(), false);
        separator = ",\n";
      }
    } else {
      text.append('[');
      for (JsonElement item : element.getAsJsonArray()) {
        text.append(separator).append(pad);
        print(text, item, indent + 2, indent + 2, false);
        separator = ",\n";
      }
    }
    text.append('\n').append(" ".repeat(indent)).append(element.isJsonObject() ? '}' : ']');
  }

  private static String inline(JsonElement element) {
    StringBuilder text = new StringBuilder();
    switch (element) {
      case JsonObject object -> {
        text.append('{');
        for (var entry : object.entrySet()) {
          text.append(text.length() > 1 ? ", " : "");
          text.append(new JsonPrimitive(entry.getKey())).append(": ");
          text.append(inline(entry.getValue()));
        }
        text.append('}');
      }
      case JsonArray array -> {
        text.append('[');
        for (Iterator<JsonElement> items = array.iterator(); items.hasNext(); ) {
          text.append(inline(items.next())).append(items.hasNext() ? ", " : "");
        }
        text.append(']');
      }
      default -> text.append(element);
    }
    return text.toString();
  }
}
