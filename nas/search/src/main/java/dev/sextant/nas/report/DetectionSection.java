package dev.sextant.nas.report;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.sextant.nas.report.page.Html;
import dev.sextant.nas.report.page.Numbers;
import dev.sextant.nas.report.page.Table;
import java.util.List;
import java.util.Locale;

/** What {@code evaluation.json} tells of a detector: precision by class and size, and pictures. */
final class DetectionSection {
  private static final List<String> SIZES =
      List.of("all", "below 32 x 32 pixels", "to 96 x 96 pixels", "larger");

  /** Units of a picture's drawing along either side. */
  private static final int SIDE = 100;

  private final RunJson json;
  private final List<String> classes;

  DetectionSection(RunJson json, List<String> classes) {
    this.json = json;
    this.classes = classes;
  }

  void draw(Html html) {
    html.leaf("h2", "What it finds");
    html.leaf(
        "p",
        "Average precision on the test images by COCO's rules: at an overlap (IoU) of 0.5 and of"
            + " 0.75 by class, and the mean over overlaps of 0.5 to 0.95 by the objects' size.",
        "class",
        "note");
    double[][] precision = json.rows("precision");
    Table byClass = new Table(html, "Average precision by class", "class", "at 0.5", "at 0.75");
    for (int label = 0; label < precision.length; label++) {
      if (label >= classes.size() || precision[label].length != 2) {
        throw json.error("precision", "is not two numbers for each class");
      }
      byClass.row(classes.get(label));
      number(byClass, precision[label][0]);
      number(byClass, precision[label][1]);
      byClass.end();
    }
    byClass.close();
    double[] sizes = json.numbers("sizes");
    Table bySize = new Table(html, "Mean average precision by size", "objects", "0.5 to 0.95");
    for (int i = 0; i < Math.min(sizes.length, SIZES.size()); i++) {
      bySize.row(SIZES.get(i));
      number(bySize, sizes[i]);
      bySize.end();
    }
    bySize.close();
    html.leaf(
        "p",
        "The first test images: dashed what is in them, drawn through what it finds with a"
            + " probability of 0.3 and more.",
        "class",
        "note");
    html.open("div", "class", "pictures");
    for (JsonElement element : json.array("scenes")) {
      if (!(element instanceof JsonObject object)) {
        throw json.error("scenes", "is no list of pictures");
      }
      picture(html, new RunJson(json.source() + ": scenes", object));
    }
    html.close();
  }

  /** Negative where the test images have none. */
  private static void number(Table table, double precision) {
    if (precision < 0) {
      table.text("–");
    } else {
      table.number(precision, Numbers.percent(precision));
    }
  }

  private void picture(Html html, RunJson picture) {
    String png = picture.string("png");
    if (!png.matches(EvaluationSection.BASE64)) {
      throw picture.error("png", "is no picture");
    }
    double[][] objects = picture.rows("objects");
    double[][] found = picture.rows("found");
    String said = String.format(Locale.ROOT, "in it %s; found %s", named(objects), named(found));
    html.open("figure", "class", "scene");
    html.open(
        "svg",
        "viewBox",
        String.format(Locale.ROOT, "0 0 %d %d", SIDE, SIDE),
        "role",
        "img",
        "aria-label",
        said);
    html.leaf(
        "image",
        "",
        "href",
        "data:image/png;base64," + png,
        "width",
        Integer.toString(SIDE),
        "height",
        Integer.toString(SIDE),
        "preserveAspectRatio",
        "none");
    boxes(html, objects, "truth");
    boxes(html, found, "found");
    html.close();
    html.leaf("figcaption", said).close();
  }

  private String named(double[][] boxes) {
    StringBuilder names = new StringBuilder();
    for (double[] box : boxes) {
      names.append(names.isEmpty() ? "" : ", ").append(classes.get(label(box)));
    }
    return names.isEmpty() ? "nothing" : names.toString();
  }

  private int label(double[] box) {
    if (box.length != 5
        || !(box[0] >= 0 && box[0] < classes.size())
        || box[0] != Math.rint(box[0])) {
      throw json.error("scenes", "has a box that is no label and four edges");
    }
    return (int) box[0];
  }

  private void boxes(Html html, double[][] boxes, String style) {
    for (double[] box : boxes) {
      html.open(
          "rect",
          "class",
          "region " + style,
          "x",
          at(box[1]),
          "y",
          at(box[2]),
          "width",
          at(Math.max(0, box[3] - box[1])),
          "height",
          at(Math.max(0, box[4] - box[2])));
      html.leaf("title", style + ": " + classes.get(label(box))).close();
    }
  }

  private static String at(double share) {
    return String.format(Locale.ROOT, "%.1f", SIDE * Math.clamp(share, 0, 1));
  }
}
