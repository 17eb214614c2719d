package dev.sextant.nas.detection;

import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.MalformedJsonException;
import dev.sextant.nas.data.scene.Scene;
import dev.sextant.nas.detection.LabelledImage.NamedBox;
import dev.sextant.runtime.PlainFile;
import dev.sextant.tensor.SextantException;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * The labels of COCO: one JSON file of {@code images}, {@code annotations} and {@code categories}.
 * Read as it comes, so that what is not needed (outlines, licences) takes no memory.
 */
final class CocoFile {
  private static final int MOST_DEPTH = 64;

  private record Image(String file, int width, int height) {}

  private record Box(long image, long category, double[] edges, double area, boolean crowd) {}

  private final Path path;
  private final Map<Long, Image> images = new LinkedHashMap<>();
  private final Map<Long, String> categories = new TreeMap<>();
  private final List<Box> boxes = new ArrayList<>();

  private CocoFile(Path path) {
    this.path = path;
  }

  /**
   * The names of the classes, by the numbers of their categories, and the images in the file's
   * order.
   */
  record Labels(List<String> classes, List<LabelledImage> images) {}

  /**
   * Reads a file.
   *
   * @throws SextantException naming the file and the place of what is wrong
   */
  static Labels read(Path path) {
    PlainFile.check(path, "a JSON file of labels");
    CocoFile file = new CocoFile(path);
    try (JsonReader reader =
        new JsonReader(Files.newBufferedReader(path, StandardCharsets.UTF_8))) {
      reader.setStrictness(Strictness.STRICT);
      reader.setNestingLimit(MOST_DEPTH);
      try {
        file.root(reader);
        reader.peek();
      } catch (IllegalStateException | NumberFormatException e) {
        throw file.error(reader, "is not what was expected here (" + firstLine(e) + ")");
      }
    } catch (MalformedJsonException | EOFException e) {
      throw new SextantException(path + ": is no JSON (" + firstLine(e) + ")", e);
    } catch (IOException e) {
      throw new SextantException(path + ": cannot be read (" + e.getMessage() + ")", e);
    }
    return file.labels();
  }

  /** Without the address that the reader's messages end with. */
  private static String firstLine(Exception e) {
    return String.valueOf(e.getMessage()).lines().findFirst().orElse("");
  }

  private SextantException error(JsonReader reader, String what) {
    return new SextantException(path + ": " + reader.getPath() + ": " + what);
  }

  private void root(JsonReader reader) throws IOException {
    reader.beginObject();
    while (reader.hasNext()) {
      switch (reader.nextName()) {
        case "images" -> each(reader, this::image);
        case "annotations" -> each(reader, this::box);
        case "categories" -> each(reader, this::category);
        default -> reader.skipValue();
      }
    }
    reader.endObject();
  }

  private interface Entry {
    void read(JsonReader reader) throws IOException;
  }

  private static void each(JsonReader reader, Entry entry) throws IOException {
    reader.beginArray();
    while (reader.hasNext()) {
      reader.beginObject();
      entry.read(reader);
      reader.endObject();
    }
    reader.endArray();
  }

  private void image(JsonReader reader) throws IOException {
    long id = Long.MIN_VALUE;
    String file = "";
    int width = 0;
    int height = 0;
    while (reader.hasNext()) {
      switch (reader.nextName()) {
        case "id" -> id = reader.nextLong();
        case "file_name" -> file = reader.nextString();
        case "width" -> width = reader.nextInt();
        case "height" -> height = reader.nextInt();
        default -> reader.skipValue();
      }
    }
    if (!LabelledImage.isPlain(file)) {
      throw error(reader, "file_name must be a name without folders");
    }
    int most = LabelledImage.MOST_SIDE;
    if (width < 1 || height < 1 || width > most || height > most) {
      throw error(reader, String.format(Locale.ROOT, "an image of %d x %d pixels", width, height));
    }
    if (id == Long.MIN_VALUE || images.putIfAbsent(id, new Image(file, width, height)) != null) {
      throw error(reader, "its id is missing or that of another image");
    }
  }

  private void category(JsonReader reader) throws IOException {
    long id = Long.MIN_VALUE;
    String name = "";
    while (reader.hasNext()) {
      switch (reader.nextName()) {
        case "id" -> id = reader.nextLong();
        case "name" -> name = reader.nextString();
        default -> reader.skipValue();
      }
    }
    if (name.isBlank() || categories.containsValue(name)) {
      throw error(reader, "its name is missing or that of another category");
    }
    if (id == Long.MIN_VALUE || categories.putIfAbsent(id, name) != null) {
      throw error(reader, "its id is missing or that of another category");
    }
  }

  private void box(JsonReader reader) throws IOException {
    long image = Long.MIN_VALUE;
    long category = Long.MIN_VALUE;
    double[] edges = {};
    double area = Double.NaN;
    boolean crowd = false;
    while (reader.hasNext()) {
      switch (reader.nextName()) {
        case "image_id" -> image = reader.nextLong();
        case "category_id" -> category = reader.nextLong();
        case "bbox" -> edges = edges(reader);
        case "area" -> area = reader.nextDouble();
        case "iscrowd" ->
            crowd =
                reader.peek() == JsonToken.BOOLEAN ? reader.nextBoolean() : reader.nextInt() != 0;
        default -> reader.skipValue();
      }
    }
    if (edges.length == 0) {
      throw error(reader, "bbox is missing");
    }
    boxes.add(new Box(image, category, edges, area, crowd));
  }

  /** Left, top, width and height; as left, top, right and bottom. */
  private double[] edges(JsonReader reader) throws IOException {
    double[] box = new double[4];
    reader.beginArray();
    for (int i = 0; i < 4; i++) {
      box[i] = reader.nextDouble();
      if (!(Math.abs(box[i]) <= 2 * LabelledImage.MOST_SIDE)) {
        throw error(reader, box[i] + " is no place in an image");
      }
    }
    reader.endArray();
    return new double[] {box[0], box[1], box[0] + box[2], box[1] + box[3]};
  }

  private Labels labels() {
    Map<Long, List<NamedBox>> byImage = new LinkedHashMap<>();
    images.keySet().forEach(id -> byImage.put(id, new ArrayList<>()));
    for (int i = 0; i < boxes.size(); i++) {
      Box box = boxes.get(i);
      List<NamedBox> objects = byImage.get(box.image);
      String name = categories.get(box.category);
      if (objects == null || name == null) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "%s: annotations[%d]: there is no %s",
                path,
                i,
                objects == null ? "image " + box.image : "category " + box.category));
      }
      double[] edges = box.edges;
      double area =
          Double.isNaN(box.area) ? (edges[2] - edges[0]) * (edges[3] - edges[1]) : box.area;
      Scene.Kind kind = box.crowd ? Scene.Kind.CROWD : Scene.Kind.OBJECT;
      objects.add(new NamedBox(name, edges[0], edges[1], edges[2], edges[3], area, kind));
    }
    List<LabelledImage> all = new ArrayList<>();
    images.forEach(
        (id, image) ->
            all.add(
                new LabelledImage(
                    image.file,
                    image.width,
                    image.height,
                    List.copyOf(byImage.getOrDefault(id, List.of())))));
    return new Labels(List.copyOf(categories.values()), all);
  }
}
