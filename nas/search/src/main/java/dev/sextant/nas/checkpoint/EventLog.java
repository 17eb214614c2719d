package dev.sextant.nas.checkpoint;

import com.google.gson.JsonObject;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * {@code events.jsonl}: one JSON object a line. A checkpoint remembers the length; a resumed run
 * cuts the file back to it, so that events stand once and in order.
 */
public final class EventLog implements Events, AutoCloseable {
  private final Path file;
  private final FileChannel channel;

  /**
   * Opens the log and forgets everything past a length.
   *
   * @param file one JSON object a line
   * @param length bytes to keep
   */
  public EventLog(Path file, long length) {
    this.file = file;
    try {
      channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      if (channel.size() > length) {
        channel.truncate(length);
      }
      channel.position(channel.size());
    } catch (IOException e) {
      throw new SextantException(file + ": cannot be written (" + e + ")", e);
    }
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
      ByteBuffer bytes = ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8));
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
    } catch (IOException e) {
      throw new SextantException(file + ": cannot be written (" + e + ")", e);
    }
  }

  /** {@return bytes written so far, all on disk} */
  public long length() {
    try {
      channel.force(false);
      return channel.position();
    } catch (IOException e) {
      throw new SextantException(file + ": cannot be written (" + e + ")", e);
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new SextantException(file + ": cannot be closed (" + e + ")", e);
    }
  }
}
