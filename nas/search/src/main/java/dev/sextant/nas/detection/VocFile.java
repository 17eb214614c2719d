package dev.sextant.nas.detection;

import dev.sextant.nas.data.scene.Scene;
import dev.sextant.nas.detection.LabelledImage.NamedBox;
import dev.sextant.runtime.PlainFile;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamConstants;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;

/**
 * The labels of Pascal VOC: an XML file for each image. Its edges are numbers of pixels from 1,
 * both included; the boxes here begin and end at pixels' edges, from 0. Neither document types nor
 * entities are followed.
 */
final class VocFile {
  private static final long MOST_BYTES = 1 << 24;
  private static final int MOST_DEPTH = 32;
  private static final int MOST_TEXT = 4096;

  private final Path path;
  private final Deque<String> open = new ArrayDeque<>();
  private final Map<String, String> image = new HashMap<>();
  private final Map<String, String> object = new HashMap<>();
  private final List<NamedBox> objects = new ArrayList<>();

  private VocFile(Path path) {
    this.path = path;
  }

  /**
   * Reads a file.
   *
   * @throws SextantException naming the file and what is wrong
   */
  static LabelledImage read(Path path) {
    PlainFile.check(path, "an XML file of labels");
    VocFile file = new VocFile(path);
    XMLInputFactory factory = XMLInputFactory.newDefaultFactory();
    factory.setProperty(XMLInputFactory.SUPPORT_DTD, false);
    factory.setProperty(XMLInputFactory.IS_SUPPORTING_EXTERNAL_ENTITIES, false);
    try (InputStream in = Files.newInputStream(path)) {
      if (Files.size(path) > MOST_BYTES) {
        throw file.error("is larger than 16 MiB");
      }
      XMLStreamReader reader = factory.createXMLStreamReader(in);
      while (reader.hasNext()) {
        file.take(reader);
      }
    } catch (XMLStreamException e) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: line %d: is no XML that is read here (%s)",
              path,
              e.getLocation() == null ? 0 : e.getLocation().getLineNumber(),
              String.valueOf(e.getMessage()).lines().reduce((_, last) -> last).orElse("")),
          e);
    } catch (IOException e) {
      throw new SextantException(path + ": cannot be read (" + e.getMessage() + ")", e);
    }
    return file.labels();
  }

  private SextantException error(String what) {
    return new SextantException(path + ": " + what);
  }

  private void take(XMLStreamReader reader) throws XMLStreamException {
    switch (reader.next()) {
      case XMLStreamConstants.START_ELEMENT -> {
        open.addLast(reader.getLocalName());
        if (open.size() > MOST_DEPTH) {
          throw error("elements are nested too deeply");
        }
        if (where().equals("annotation/object")) {
          object.clear();
        }
      }
      case XMLStreamConstants.END_ELEMENT -> {
        if (where().equals("annotation/object")) {
          objects.add(box());
        }
        open.removeLast();
      }
      case XMLStreamConstants.CHARACTERS, XMLStreamConstants.CDATA -> text(reader.getText());
      case XMLStreamConstants.ENTITY_REFERENCE, XMLStreamConstants.DTD ->
          throw error("has a document type or an entity, which is not read");
      default -> {
        // Comments and the like.
      }
    }
  }

  private String where() {
    return String.join("/", open);
  }

  private void text(String text) {
    String where = where();
    Map<String, String> into = where.startsWith("annotation/object/") ? object : image;
    String key =
        where.startsWith("annotation/object/")
            ? where.substring("annotation/object/".length())
            : where;
    String whole = into.merge(key, text, String::concat);
    if (whole.length() > MOST_TEXT) {
      throw error(where + ": is longer than " + MOST_TEXT + " characters");
    }
  }

  private NamedBox box() {
    String name = object.getOrDefault("name", "").strip();
    if (name.isEmpty()) {
      throw error("object " + objects.size() + ": has no name");
    }
    double left = number(object, "bndbox/xmin") - 1;
    double top = number(object, "bndbox/ymin") - 1;
    double right = number(object, "bndbox/xmax");
    double bottom = number(object, "bndbox/ymax");
    boolean difficult = object.getOrDefault("difficult", "0").strip().equals("1");
    return new NamedBox(
        name,
        left,
        top,
        right,
        bottom,
        (right - left) * (bottom - top),
        difficult ? Scene.Kind.DIFFICULT : Scene.Kind.OBJECT);
  }

  private double number(Map<String, String> values, String key) {
    String text = values.getOrDefault(key, "").strip();
    try {
      double value = Double.parseDouble(text);
      if (Math.abs(value) <= LabelledImage.MOST_SIDE) {
        return value;
      }
    } catch (NumberFormatException e) {
      // Said below, as for a number out of range.
    }
    throw error(
        String.format(Locale.ROOT, "object %d: %s is \"%s\", no pixel", objects.size(), key, text));
  }

  private LabelledImage labels() {
    String file = image.getOrDefault("annotation/filename", "").strip();
    if (!LabelledImage.isPlain(file)) {
      throw error("filename must be a name without folders");
    }
    int width = (int) number(image, "annotation/size/width");
    int height = (int) number(image, "annotation/size/height");
    if (width < 1 || height < 1) {
      throw error(String.format(Locale.ROOT, "an image of %d x %d pixels", width, height));
    }
    return new LabelledImage(file, width, height, List.copyOf(objects));
  }
}
