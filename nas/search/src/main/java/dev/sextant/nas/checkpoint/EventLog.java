package dev.sextant.nas.checkpoint;

import com.google.gson.JsonObject;
import dev.sextant.runtime.AtomicFile;
import dev.sextant.runtime.FileOutput;
import dev.sextant.runtime.json.JsonText;
import dev.sextant.runtime.json.SealedJson;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import java.util.function.Consumer;

/**
 * {@code events.jsonl}: one JSON object a line. A checkpoint remembers the length; a resumed run
 * cuts the file back to it, so that events stand once and in order.
 *
 * <p>Each line holds its own checksum, which covers that of the line before: a line that is
 * changed, lost or moved is noticed.
 */
public final class EventLog implements Events, AutoCloseable {
  /** A log of which nothing is kept. */
  public static final Position START = new Position(0, "");

  private final Path file;
  private final FileOutput out;
  private String checksum;
  private Consumer<JsonObject> follower = _ -> {};

  /**
   * Where a log ends.
   *
   * @param length in bytes
   * @param checksum of the last line; empty where there is none
   */
  public record Position(long length, String checksum) {}

  /**
   * Opens the log and forgets everything past a position.
   *
   * @param file one JSON object a line
   * @param kept how far it is kept
   * @throws SextantException if what is kept is not what was written
   */
  public EventLog(Path file, Position kept) {
    this.file = file;
    checksum = kept.checksum;
    if (kept.length > 0) {
      check(kept);
    }
    out = FileOutput.append(file, kept.length);
  }

  private void check(Position kept) {
    byte[] bytes = JsonText.readFile(file).getBytes(StandardCharsets.UTF_8);
    if (bytes.length < kept.length) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: is damaged, it has %d bytes, the checkpoint knows of %d",
              file,
              bytes.length,
              kept.length));
    }
    String last = "";
    int number = 1;
    for (String line :
        new String(bytes, 0, (int) kept.length, StandardCharsets.UTF_8).lines().toList()) {
      String source = file + ":" + number++;
      last = check(JsonText.parse(line, source), line, source, last, !kept.checksum.isEmpty());
    }
    if (!last.equals(kept.checksum)) {
      throw new SextantException(
          file + ": is damaged, its last event is none that the checkpoint knows of");
    }
  }

  /**
   * Checks a line.
   *
   * @param event what the line says
   * @param line as it was written
   * @param source what errors call it
   * @param before the checksum of the line before, or nothing
   * @param sealed whether it must have one: those of earlier versions have none
   * @return its checksum; that of the line before if it has none
   * @throws SextantException if its checksum is gone, or another
   */
  public static String check(
      JsonObject event, String line, String source, String before, boolean sealed) {
    return sealed || event.has(SealedJson.FIELD)
        ? SealedJson.check(event, line, source, before)
        : before;
  }

  @Override
  public void emit(String event, JsonObject fields) {
    JsonObject line = new JsonObject();
    line.addProperty("event", event);
    fields.entrySet().forEach(field -> line.add(field.getKey(), field.getValue()));
    // NaN is no JSON: an accuracy that is not known is left out.
    line.entrySet()
        .removeIf(
            field ->
                field.getValue().isJsonPrimitive()
                    && field.getValue().getAsJsonPrimitive().isNumber()
                    && Double.isNaN(field.getValue().getAsDouble()));
    try {
      String text = SealedJson.write(line, JsonObject::toString, checksum);
      out.write(ByteBuffer.wrap((text + "\n").getBytes(StandardCharsets.UTF_8)));
      checksum = line.get(SealedJson.FIELD).getAsString();
    } catch (IOException e) {
      throw AtomicFile.unwritable(file, e);
    }
    follower.accept(line);
  }

  /**
   * Lets someone follow.
   *
   * @param listener given each event from now on, once it is written
   */
  public void follow(Consumer<JsonObject> listener) {
    follower = listener;
  }

  /** {@return where it ends; all before is on disk} */
  public Position position() {
    try {
      return new Position(out.force(), checksum);
    } catch (IOException e) {
      throw AtomicFile.unwritable(file, e);
    }
  }

  @Override
  public void close() {
    try {
      out.close();
    } catch (IOException e) {
      throw new SextantException(file + ": cannot be closed (" + e + ")", e);
    }
  }
}
