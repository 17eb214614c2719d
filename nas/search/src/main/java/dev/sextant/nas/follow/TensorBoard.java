package dev.sextant.nas.follow;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.protobuf.CodedOutputStream;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.runtime.AtomicFile;
import dev.sextant.runtime.json.JsonText;
import dev.sextant.tensor.SextantException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;

/**
 * Writes a run as TensorBoard reads it: {@code tensorboard/events.out.tfevents.sextant}, TFRecords
 * of {@code Event} messages (tensorflow/core/util/event.proto, framework/summary.proto): numbers of
 * every epoch as scalars, probabilities and alphas of every choice as histograms, and at the end
 * the images that the network found gets wrong.
 *
 * <p>The first record says the version; after it every line of {@code events.jsonl} has one. So a
 * run that is resumed forgets as many records as lines, and goes on without any of them twice.
 */
public final class TensorBoard implements Follower {
  private static final String FILE = "events.out.tfevents.sextant";
  private static final String VERSION = "brain.Event:2";
  private static final int BINS = 30;

  private final RunDirectory directory;
  private final RecordFile file;

  /**
   * Opens the file of a run.
   *
   * @param directory of the run
   * @param before the events of the run so far
   * @throws SextantException if it cannot be written
   */
  public TensorBoard(RunDirectory directory, List<JsonObject> before) {
    this.directory = directory;
    Path folder = folder(directory);
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw AtomicFile.unwritable(folder, e);
    }
    file = new RecordFile(folder.resolve(FILE), before.size() + 1);
    if (file.kept() == 0) {
      file.append(event(out -> out.writeString(3, VERSION)));
    }
    before.subList(Math.max(0, file.kept() - 1), before.size()).forEach(this::accept);
  }

  /**
   * {@return where it lies: a run that has it goes on with it}
   *
   * @param directory of the run
   */
  public static Path folder(RunDirectory directory) {
    return directory.path().resolve("tensorboard");
  }

  /** Writes fields of a message. */
  private interface Fields {
    void write(CodedOutputStream out) throws IOException;
  }

  private static byte[] message(Fields fields) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    CodedOutputStream out = CodedOutputStream.newInstance(bytes);
    try {
      fields.write(out);
      out.flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private static byte[] event(Fields what) {
    return message(
        out -> {
          out.writeDouble(1, System.currentTimeMillis() * 1e-3);
          what.write(out);
        });
  }

  @Override
  public void accept(JsonObject event) {
    EventValues values = EventValues.of(event);
    List<byte[]> summary = new ArrayList<>();
    values.scalars().forEach((tag, value) -> summary.add(scalar(tag, value)));
    values.histograms().forEach((tag, row) -> summary.add(histogram(tag, row)));
    if (event.get("event").getAsString().equals("trained")
        && event.get("stage").getAsString().equals("retrain")) {
      summary.addAll(images());
    }
    file.append(
        event(
            out -> {
              out.writeInt64(2, values.step());
              out.writeByteArray(
                  5,
                  message(
                      inner -> {
                        for (byte[] value : summary) {
                          inner.writeByteArray(1, value);
                        }
                      }));
            }));
  }

  private static byte[] scalar(String tag, double value) {
    return message(
        out -> {
          out.writeString(1, tag);
          out.writeFloat(2, (float) value);
        });
  }

  /** Bins of one width between the least and the greatest value. */
  private static byte[] histogram(String tag, double[] values) {
    double min = Arrays.stream(values).min().orElse(0);
    double max = Arrays.stream(values).max().orElse(0);
    double width = max > min ? (max - min) / BINS : 1;
    double[] limits = new double[BINS];
    double[] counts = new double[BINS];
    for (int i = 0; i < BINS; i++) {
      limits[i] = i == BINS - 1 ? Math.max(max, min + BINS * width) : min + (i + 1) * width;
    }
    double sum = 0;
    double squares = 0;
    for (double value : values) {
      counts[Math.min(BINS - 1, (int) ((value - min) / width))]++;
      sum += value;
      squares += value * value;
    }
    double[] moments = {min, max, values.length, sum, squares};
    return message(
        out -> {
          out.writeString(1, tag);
          out.writeByteArray(
              5,
              message(
                  inner -> {
                    for (int i = 0; i < moments.length; i++) {
                      inner.writeDouble(i + 1, moments[i]);
                    }
                    packed(inner, 6, limits);
                    packed(inner, 7, counts);
                  }));
        });
  }

  private static void packed(CodedOutputStream out, int field, double[] values) throws IOException {
    out.writeByteArray(
        field,
        message(
            inner -> {
              for (double value : values) {
                inner.writeDoubleNoTag(value);
              }
            }));
  }

  /** What the network found gets wrong, each with its classes in its tag. */
  private List<byte[]> images() {
    List<byte[]> images = new ArrayList<>();
    if (!Files.exists(directory.evaluation())) {
      return images;
    }
    JsonObject json =
        JsonText.parse(
            JsonText.readFile(directory.evaluation()), directory.evaluation().toString());
    if (json.get("wrong") instanceof JsonArray wrong
        && json.get("classes") instanceof JsonArray classes) {
      for (JsonElement each : wrong) {
        JsonObject picture = each.getAsJsonObject();
        String tag =
            "wrong/"
                + classes.get(picture.get("label").getAsInt()).getAsString()
                + " taken for "
                + classes.get(picture.get("predicted").getAsInt()).getAsString()
                + " "
                + picture.get("image").getAsInt();
        images.add(image(tag, Base64.getDecoder().decode(picture.get("png").getAsString())));
      }
    }
    return images;
  }

  /** Its width and height stand in the PNG's header, which TensorBoard does not look at. */
  private static byte[] image(String tag, byte[] png) {
    ByteBuffer header = ByteBuffer.wrap(png);
    int width = header.getInt(16);
    int height = header.getInt(20);
    return message(
        out -> {
          out.writeString(1, tag);
          out.writeByteArray(
              4,
              message(
                  inner -> {
                    inner.writeInt32(1, height);
                    inner.writeInt32(2, width);
                    inner.writeInt32(3, 3);
                    inner.writeByteArray(4, png);
                  }));
        });
  }

  @Override
  public void end() {}

  @Override
  public void close() {
    file.close();
  }
}
