package dev.sextant.nas.search;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.data.Images;
import dev.sextant.nas.data.scene.Scene;
import dev.sextant.nas.detection.MeanAveragePrecision;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.train.Evaluation;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Latency;
import java.awt.Image;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import javax.imageio.ImageIO;

/**
 * {@code evaluation.json}, format {@code sextant-evaluation/1}: what the network found makes of the
 * test images, quantiles of its latency and the milliseconds of each of its layers.
 *
 * <p>Of a classifier {@code confusion}, rows of label, predicted label and how many, and pictures
 * of some that it takes for others ({@code wrong}, as PNG in base64). Of a detector {@code
 * precision}, rows of average precision at overlaps of 0.5 and 0.75 for each class (-1 where the
 * test images have none of it), {@code sizes}, mean average precision of all, small, medium and
 * large objects, and pictures of the first images with what is in them and what it finds ({@code
 * scenes}, boxes as rows of label and four edges in shares of the image). It is for a reader:
 * nothing that a run does depends on it.
 */
final class EvaluationFile {
  private static final String FORMAT = "sextant-evaluation/1";

  /** Pictures in all; of each pair of classes one at first. */
  private static final int MOST_PICTURES = 36;

  /** Larger ones are made smaller, so that the report stays below a megabyte. */
  private static final int LARGEST_SIDE = 64;

  private static final int LARGEST_SCENE = 128;

  private EvaluationFile() {}

  static void write(
      RunDirectory directory,
      Architecture network,
      ImageDataset data,
      Evaluation evaluation,
      Latency latency,
      NetworkLatency layerTimes) {
    JsonObject json = new JsonObject();
    json.addProperty("format", FORMAT);
    json.addProperty("architecture", network.sha256());
    JsonArray classes = new JsonArray();
    data.classNames().forEach(classes::add);
    json.add("classes", classes);
    switch (evaluation) {
      case Evaluation.Labels classified -> {
        json.add("confusion", confusion(data.test(), classified.labels(), data.classes()));
        json.add("wrong", wrong(data.test(), classified.labels(), data.classes()));
      }
      case Evaluation.Objects detected -> {
        json.add("precision", precision(detected.precision(), data.classes()));
        JsonArray sizes = new JsonArray();
        for (MeanAveragePrecision.Area area : MeanAveragePrecision.Area.values()) {
          sizes.add(known(detected.precision().value(area)));
        }
        json.add("sizes", sizes);
        json.add("scenes", scenes(data.test(), detected.shown()));
      }
    }
    JsonObject quantiles = new JsonObject();
    quantiles.addProperty("p50Ms", latency.medianMs());
    quantiles.addProperty("p90Ms", latency.p90Ms());
    quantiles.addProperty("p99Ms", latency.p99Ms());
    quantiles.addProperty("samples", latency.count());
    json.add("latency", quantiles);
    JsonArray layers = new JsonArray();
    for (double ms : layerTimes.layers(network)) {
      layers.add(ms);
    }
    json.add("layersMs", layers);
    RunDirectory.write(directory.evaluation(), json + "\n");
  }

  private static JsonArray precision(MeanAveragePrecision precision, int classes) {
    JsonArray rows = new JsonArray();
    for (int label = 0; label < classes; label++) {
      JsonArray row = new JsonArray();
      row.add(known(precision.averagePrecision(label, 0.5)));
      row.add(known(precision.averagePrecision(label, 0.75)));
      rows.add(row);
    }
    return rows;
  }

  private static double known(double value) {
    return Double.isNaN(value) ? -1 : value;
  }

  private static JsonArray scenes(Images images, List<Scene> found) {
    JsonArray pictures = new JsonArray();
    for (int i = 0; i < found.size(); i++) {
      JsonObject picture = new JsonObject();
      picture.addProperty("image", i);
      picture.add("objects", boxes(images.scene(i)));
      picture.add("found", boxes(found.get(i)));
      picture.addProperty("png", Base64.getEncoder().encodeToString(png(images, i, LARGEST_SCENE)));
      pictures.add(picture);
    }
    return pictures;
  }

  private static JsonArray boxes(Scene scene) {
    JsonArray rows = new JsonArray();
    for (Scene.Item item : scene.objects()) {
      JsonArray row = new JsonArray();
      row.add(item.label());
      row.add(share(item.left(), scene.width()));
      row.add(share(item.top(), scene.height()));
      row.add(share(item.right(), scene.width()));
      row.add(share(item.bottom(), scene.height()));
      rows.add(row);
    }
    return rows;
  }

  /** To a thousandth, within the image. */
  private static double share(float edge, int side) {
    return Math.rint(1000.0 * Math.clamp(edge / side, 0, 1)) / 1000;
  }

  /** Pairs that come up, in the order of their labels. */
  private static JsonArray confusion(Images images, int[] labels, int classes) {
    Map<Long, Integer> counts = new TreeMap<>();
    for (int i = 0; i < labels.length; i++) {
      counts.merge((long) images.label(i) * classes + labels[i], 1, Integer::sum);
    }
    JsonArray rows = new JsonArray();
    counts.forEach(
        (pair, count) -> {
          JsonArray row = new JsonArray();
          row.add(pair / classes);
          row.add(pair % classes);
          row.add(count);
          rows.add(row);
        });
    return rows;
  }

  private static JsonArray wrong(Images images, int[] labels, int classes) {
    JsonArray pictures = new JsonArray();
    Map<Long, Integer> taken = new TreeMap<>();
    for (int most = 1; most <= MOST_PICTURES && pictures.size() < MOST_PICTURES; most++) {
      int before = pictures.size();
      Map<Long, Integer> passed = new TreeMap<>();
      for (int i = 0; i < labels.length && pictures.size() < MOST_PICTURES; i++) {
        long pair = (long) images.label(i) * classes + labels[i];
        if (images.label(i) == labels[i]
            || taken.getOrDefault(pair, 0) >= most
            || passed.merge(pair, 1, Integer::sum) < most) {
          continue;
        }
        taken.merge(pair, 1, Integer::sum);
        JsonObject picture = new JsonObject();
        picture.addProperty("image", i);
        picture.addProperty("label", images.label(i));
        picture.addProperty("predicted", labels[i]);
        picture.addProperty(
            "png", Base64.getEncoder().encodeToString(png(images, i, LARGEST_SIDE)));
        pictures.add(picture);
      }
      if (pictures.size() == before) {
        break;
      }
    }
    return pictures;
  }

  private static byte[] png(Images images, int index, int largest) {
    int width = images.width();
    int height = images.height();
    byte[] pixels = new byte[images.imageBytes()];
    images.copyPixels(index, pixels, 0);
    boolean gray = images.channels() == 1;
    BufferedImage picture =
        new BufferedImage(
            width, height, gray ? BufferedImage.TYPE_BYTE_GRAY : BufferedImage.TYPE_INT_RGB);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int at = (y * width + x) * images.channels();
        if (gray) {
          picture.getRaster().setSample(x, y, 0, pixels[at] & 0xff);
        } else {
          int rgb =
              (pixels[at] & 0xff) << 16 | (pixels[at + 1] & 0xff) << 8 | pixels[at + 2] & 0xff;
          picture.setRGB(x, y, rgb);
        }
      }
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try {
      ImageIO.write(fitting(picture, largest), "png", out);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }

  private static BufferedImage fitting(BufferedImage picture, int largest) {
    int side = Math.max(picture.getWidth(), picture.getHeight());
    if (side <= largest) {
      return picture;
    }
    int width = Math.max(1, picture.getWidth() * largest / side);
    int height = Math.max(1, picture.getHeight() * largest / side);
    BufferedImage small = new BufferedImage(width, height, picture.getType());
    small
        .createGraphics()
        .drawImage(
            picture.getScaledInstance(width, height, Image.SCALE_AREA_AVERAGING), 0, 0, null);
    return small;
  }
}
