package dev.sextant.serve;

import com.google.gson.stream.JsonWriter;
import dev.sextant.runtime.service.Prediction;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * The answer to an {@link InferRequest}.
 *
 * @param json bytes of the JSON at the body's beginning; less than the body where the elements of
 *     outputs follow as bytes
 * @param body all of it
 */
record InferResponse(int json, byte[] body) {
  /**
   * Writes it.
   *
   * @param logits {@code [images, classes]}
   */
  static InferResponse of(
      String model, InferRequest request, float[] logits, List<String> classNames) {
    int images = request.images();
    int classes = logits.length / images;
    StringWriter text = new StringWriter();
    ByteArrayOutputStream behind = new ByteArrayOutputStream();
    try (JsonWriter json = new JsonWriter(text)) {
      json.beginObject();
      json.name("model_name").value(model);
      if (!request.id().isEmpty()) {
        json.name("id").value(request.id());
      }
      json.name("outputs").beginArray();
      for (InferRequest.Output output : request.outputs()) {
        json.beginObject();
        json.name("name").value(output.name());
        if (output.likeliest() > 0) {
          int k = Math.min(output.likeliest(), classes);
          strings(json, behind, output, likeliest(logits, images, classNames, k));
        } else if (output.name().equals(InferRequest.LOGITS)) {
          floats(json, behind, output, logits, images);
        } else {
          List<Prediction[]> all = likeliest(logits, images, classNames, classes);
          floats(json, behind, output, probabilities(all, classes), images);
        }
        json.endObject();
      }
      json.endArray();
      json.endObject();
    } catch (IOException e) {
      throw new UncheckedIOException("a string has no end of its own", e);
    }
    byte[] head = text.toString().getBytes(StandardCharsets.UTF_8);
    byte[] body = Arrays.copyOf(head, head.length + behind.size());
    System.arraycopy(behind.toByteArray(), 0, body, head.length, behind.size());
    return new InferResponse(head.length, body);
  }

  private static List<Prediction[]> likeliest(
      float[] logits, int images, List<String> names, int k) {
    int classes = logits.length / images;
    List<Prediction[]> all = new ArrayList<>();
    for (int n = 0; n < images; n++) {
      float[] row = Arrays.copyOfRange(logits, n * classes, (n + 1) * classes);
      all.add(Prediction.top(row, names, k).toArray(Prediction[]::new));
    }
    return all;
  }

  private static float[] probabilities(List<Prediction[]> likeliest, int classes) {
    float[] probabilities = new float[likeliest.size() * classes];
    for (int n = 0; n < likeliest.size(); n++) {
      for (Prediction prediction : likeliest.get(n)) {
        probabilities[n * classes + prediction.label()] = (float) prediction.probability();
      }
    }
    return probabilities;
  }

  private static void floats(
      JsonWriter json,
      ByteArrayOutputStream behind,
      InferRequest.Output output,
      float[] values,
      int images)
      throws IOException {
    head(json, "FP32", images, values.length / images);
    if (output.binary()) {
      ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
      bytes.asFloatBuffer().put(values);
      behind.writeBytes(bytes.array());
      size(json, bytes.capacity());
    } else {
      json.name("data").beginArray();
      for (float value : values) {
        if (!Float.isFinite(value)) {
          throw new HttpFault(500, "the network gave " + value + ", which JSON has no number for");
        }
        json.value(value);
      }
      json.endArray();
    }
  }

  /** As Triton's classification extension: value, number and name of each class. */
  private static void strings(
      JsonWriter json,
      ByteArrayOutputStream behind,
      InferRequest.Output output,
      List<Prediction[]> likeliest)
      throws IOException {
    head(json, "BYTES", likeliest.size(), likeliest.getFirst().length);
    List<String> texts = new ArrayList<>();
    for (Prediction[] image : likeliest) {
      for (Prediction prediction : image) {
        texts.add(
            String.format(
                Locale.ROOT,
                "%.6f:%d:%s",
                prediction.probability(),
                prediction.label(),
                prediction.name()));
      }
    }
    if (output.binary()) {
      int before = behind.size();
      for (String text : texts) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        ByteBuffer length = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
        behind.writeBytes(length.putInt(0, bytes.length).array());
        behind.writeBytes(bytes);
      }
      size(json, behind.size() - before);
    } else {
      json.name("data").beginArray();
      for (String text : texts) {
        json.value(text);
      }
      json.endArray();
    }
  }

  private static void head(JsonWriter json, String datatype, int images, int each)
      throws IOException {
    json.name("datatype").value(datatype);
    json.name("shape").beginArray().value(images).value(each).endArray();
  }

  private static void size(JsonWriter json, int bytes) throws IOException {
    json.name("parameters").beginObject();
    json.name("binary_data_size").value(bytes);
    json.endObject();
  }
}
