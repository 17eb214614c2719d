package dev.sextant.serve;

import com.google.gson.JsonParseException;
import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.MalformedJsonException;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.CompiledModel.Order;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The body of {@code POST /v2/models/NAME/infer}: JSON, behind which the elements of the input may
 * follow as bytes (the binary tensor data extension).
 *
 * <p>There is one input: {@code images}, FP32, normalised, or {@code pixels}, UINT8, each of shape
 * {@code [N, H, W, C]} or, where that is another, {@code [N, C, H, W]}.
 */
final class InferRequest {
  static final String IMAGES = "images";
  static final String PIXELS = "pixels";
  static final String LOGITS = "logits";
  static final String PROBABILITIES = "probabilities";

  /** What is wanted of an output. */
  record Output(String name, boolean binary, int likeliest) {}

  private final Architecture.Input image;
  private final int batch;
  private final byte[] body;

  private String id = "";
  private String name = "";
  private String datatype = "";
  private long[] shape = {};
  private float @Nullable [] data;
  private int count;
  private long binaryBytes = -1;
  private int inputs;
  private boolean binaryOutputs;
  private final List<Output> outputs = new ArrayList<>();
  private Order order = Order.CHANNELS_LAST;
  private MemorySegment elements = MemorySegment.NULL;

  private InferRequest(Architecture.Input image, int batch, byte[] body) {
    this.image = image;
    this.batch = batch;
    this.body = body;
  }

  /**
   * Reads a body.
   *
   * @param json bytes of the JSON; all of the body, where nothing follows it
   * @throws HttpFault naming what is wrong
   */
  static InferRequest read(Architecture.Input image, int batch, byte[] body, int json) {
    InferRequest request = new InferRequest(image, batch, body);
    try (JsonReader reader =
        new JsonReader(
            new InputStreamReader(
                new ByteArrayInputStream(body, 0, json), StandardCharsets.UTF_8))) {
      reader.setStrictness(Strictness.STRICT);
      request.root(reader);
      // Refuses whatever follows.
      reader.peek();
    } catch (MalformedJsonException | IllegalStateException | NumberFormatException e) {
      throw bad("no JSON as asked for: " + withoutAdvice(e));
    } catch (IOException | JsonParseException e) {
      throw bad("the JSON ends too soon: " + withoutAdvice(e));
    }
    request.check(json);
    return request;
  }

  /** What the reader says to the one who wrote the request. */
  private static String withoutAdvice(Exception thrown) {
    return String.valueOf(thrown.getMessage())
        .replaceFirst("\\s*See https://\\S+", "")
        .replaceFirst("Use JsonReader\\S+ to accept malformed JSON", "malformed");
  }

  static HttpFault bad(String message) {
    return new HttpFault(400, message.strip().replaceAll("\\s*\\R\\s*", " "));
  }

  private void root(JsonReader reader) throws IOException {
    reader.beginObject();
    while (reader.hasNext()) {
      switch (reader.nextName()) {
        case "id" -> id = reader.nextString();
        case "parameters" -> {
          reader.beginObject();
          while (reader.hasNext()) {
            if (reader.nextName().equals("binary_data_output")) {
              binaryOutputs = reader.nextBoolean();
            } else {
              reader.skipValue();
            }
          }
          reader.endObject();
        }
        case "inputs" -> {
          reader.beginArray();
          while (reader.hasNext()) {
            input(reader);
          }
          reader.endArray();
        }
        case "outputs" -> {
          reader.beginArray();
          while (reader.hasNext()) {
            output(reader);
          }
          reader.endArray();
        }
        default -> reader.skipValue();
      }
    }
    reader.endObject();
  }

  private void input(JsonReader reader) throws IOException {
    if (++inputs > 1) {
      throw bad("there is more than one input");
    }
    reader.beginObject();
    while (reader.hasNext()) {
      switch (reader.nextName()) {
        case "name" -> name = reader.nextString();
        case "datatype" -> datatype = reader.nextString();
        case "shape" -> shape = shape(reader);
        case "parameters" -> {
          reader.beginObject();
          while (reader.hasNext()) {
            if (reader.nextName().equals("binary_data_size")) {
              binaryBytes = reader.nextLong();
            } else {
              reader.skipValue();
            }
          }
          reader.endObject();
        }
        case "data" -> data(reader);
        default -> reader.skipValue();
      }
    }
    reader.endObject();
  }

  private static long[] shape(JsonReader reader) throws IOException {
    long[] extents = new long[4];
    int rank = 0;
    reader.beginArray();
    while (reader.hasNext()) {
      if (rank == extents.length) {
        throw bad("the shape has more than 4 extents");
      }
      extents[rank++] = reader.nextLong();
    }
    reader.endArray();
    return Arrays.copyOf(extents, rank);
  }

  /** Numbers in row-major order, in arrays of any depth. */
  private void data(JsonReader reader) throws IOException {
    int most = batch * imageElements();
    float[] numbers = new float[Math.min(most, imageElements())];
    int depth = 0;
    count = 0;
    do {
      switch (reader.peek()) {
        case BEGIN_ARRAY -> {
          reader.beginArray();
          depth++;
        }
        case END_ARRAY -> {
          reader.endArray();
          depth--;
        }
        default -> {
          if (count == most) {
            throw bad(
                String.format(
                    Locale.ROOT,
                    "the input has more than the %d elements of %d images",
                    most,
                    batch));
          }
          if (count == numbers.length) {
            numbers = Arrays.copyOf(numbers, most);
          }
          float number = (float) reader.nextDouble();
          if (!Float.isFinite(number)) {
            throw bad("an element of the input is not a float");
          }
          numbers[count++] = number;
        }
      }
    } while (depth > 0);
    data = numbers;
  }

  private void output(JsonReader reader) throws IOException {
    String wanted = "";
    Boolean binary = null;
    int likeliest = 0;
    reader.beginObject();
    while (reader.hasNext()) {
      switch (reader.nextName()) {
        case "name" -> wanted = reader.nextString();
        case "parameters" -> {
          reader.beginObject();
          while (reader.hasNext()) {
            switch (reader.nextName()) {
              case "binary_data" -> binary = reader.nextBoolean();
              case "classification" -> likeliest = reader.nextInt();
              default -> reader.skipValue();
            }
          }
          reader.endObject();
        }
        default -> reader.skipValue();
      }
    }
    reader.endObject();
    if (!wanted.equals(LOGITS) && !wanted.equals(PROBABILITIES)) {
      throw bad("there is no output '" + wanted + "', but logits and probabilities");
    }
    if (likeliest < 0 || outputs.size() == 2) {
      throw bad(likeliest < 0 ? "classification is negative" : "more outputs than there are");
    }
    outputs.add(new Output(wanted, binary == null ? binaryOutputs : binary, likeliest));
  }

  private int imageElements() {
    return image.height() * image.width() * image.channels();
  }

  private void check(int json) {
    boolean floats = name.equals(IMAGES) && datatype.equals("FP32");
    if (!floats && !(name.equals(PIXELS) && datatype.equals("UINT8"))) {
      throw bad(
          String.format(
              Locale.ROOT,
              "the input is '%s' of %s, needs images of FP32 or pixels of UINT8",
              name,
              datatype));
    }
    checkShape();
    int expected = (int) shape[0] * imageElements();
    int following = body.length - json;
    if (binaryBytes >= 0) {
      if (data != null || binaryBytes != following || following != expected * (floats ? 4 : 1)) {
        throw bad(
            String.format(
                Locale.ROOT,
                "the input has %d bytes behind the JSON and says %d%s, needs %d",
                following,
                binaryBytes,
                data == null ? "" : " and has data too",
                expected * (floats ? 4L : 1L)));
      }
      elements =
          floats
              ? MemorySegment.ofArray(littleEndian(json, expected))
              : MemorySegment.ofArray(body).asSlice(json);
    } else {
      float[] numbers = data;
      if (numbers == null || count != expected || following != 0) {
        throw bad(
            String.format(
                Locale.ROOT,
                "the input has %d elements and %d bytes behind the JSON, needs %d and none",
                count,
                following,
                expected));
      }
      elements =
          floats
              ? MemorySegment.ofArray(numbers).asSlice(0, 4L * expected)
              : MemorySegment.ofArray(bytes(numbers, expected));
    }
    if (outputs.isEmpty()) {
      outputs.add(new Output(LOGITS, binaryOutputs, 0));
    }
  }

  private void checkShape() {
    long[] last = {image.height(), image.width(), image.channels()};
    long[] planar = {image.channels(), image.height(), image.width()};
    long[] tail = shape.length == 4 ? Arrays.copyOfRange(shape, 1, 4) : shape;
    if (shape.length == 4 && Arrays.equals(tail, last)) {
      order = Order.CHANNELS_LAST;
    } else if (shape.length == 4 && Arrays.equals(tail, planar)) {
      order = Order.PLANAR;
    } else {
      throw bad(
          String.format(
              Locale.ROOT,
              "the input is of shape %s, needs [N, %d, %d, %d] or [N, %d, %d, %d]",
              Arrays.toString(shape),
              last[0],
              last[1],
              last[2],
              planar[0],
              planar[1],
              planar[2]));
    }
    if (shape[0] < 1 || shape[0] > batch) {
      throw bad(
          String.format(
              Locale.ROOT,
              "the input has %d images, of which there may be 1 to %d",
              shape[0],
              batch));
    }
  }

  private float[] littleEndian(int from, int expected) {
    float[] floats = new float[expected];
    ByteBuffer.wrap(body, from, 4 * expected)
        .order(ByteOrder.LITTLE_ENDIAN)
        .asFloatBuffer()
        .get(floats);
    return floats;
  }

  private static byte[] bytes(float[] numbers, int expected) {
    byte[] bytes = new byte[expected];
    for (int i = 0; i < expected; i++) {
      int value = (int) numbers[i];
      if (value != numbers[i] || value < 0 || value > 255) {
        throw bad("a pixel is " + numbers[i] + ", must be a whole number from 0 to 255");
      }
      bytes[i] = (byte) value;
    }
    return bytes;
  }

  String id() {
    return id;
  }

  int images() {
    return (int) shape[0];
  }

  boolean isPixels() {
    return name.equals(PIXELS);
  }

  Order order() {
    return order;
  }

  MemorySegment elements() {
    return elements;
  }

  List<Output> outputs() {
    return outputs;
  }
}
