package dev.sextant.nas.data.pack;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.sextant.runtime.json.JsonFields;
import dev.sextant.runtime.json.JsonText;
import java.util.List;

/**
 * What a pack says of its images.
 *
 * @param classes their names, by label
 * @param train how many images to train on, which come first
 * @param test how many images to test on, which follow
 * @param mean of the training images, per channel, of pixels scaled to [0, 1]
 * @param deviation of the training images, likewise
 * @param layout of every image; of files, what is made of each
 * @param files whether PNG and JPEG files stand in the pack, not pixels
 * @param leftOut image files that could not be read when it was made
 */
public record PackHeader(
    List<String> classes,
    int train,
    int test,
    float[] mean,
    float[] deviation,
    ImageLayout layout,
    boolean files,
    int leftOut) {
  private static final String FORMAT = "sextant-pack/1";
  private static final String PIXELS = "pixels";
  private static final String FILES = "files";
  private static final int MOST_CLASSES = 1 << 20;
  private static final int LARGEST_SIDE = 1 << 13;

  /** {@return how many images there are} */
  public int count() {
    return Math.addExact(train, test);
  }

  String json() {
    JsonObject root = new JsonObject();
    root.addProperty("format", FORMAT);
    root.addProperty("train", train);
    root.addProperty("test", test);
    root.addProperty("height", layout.height());
    root.addProperty("width", layout.width());
    root.addProperty("channels", layout.channels());
    root.addProperty("encoding", files ? FILES : PIXELS);
    root.addProperty("resized", layout.resized());
    root.addProperty("grayBits", layout.grayBits());
    root.addProperty("leftOut", leftOut);
    JsonArray channels = new JsonArray();
    for (int c = 0; c < mean.length; c++) {
      JsonObject channel = new JsonObject();
      channel.addProperty("mean", mean[c]);
      channel.addProperty("deviation", deviation[c]);
      channels.add(channel);
    }
    root.add("normalization", channels);
    JsonArray names = new JsonArray();
    for (String name : classes) {
      JsonObject named = new JsonObject();
      named.addProperty("class", name);
      names.add(named);
    }
    root.add("classes", names);
    return JsonText.print(root);
  }

  static PackHeader parse(String text, String source) {
    JsonFields fields = JsonFields.parse(text, source);
    fields.word("format", List.of(FORMAT), null);
    ImageLayout layout =
        new ImageLayout(
            fields.integer("height", 1, LARGEST_SIDE),
            fields.integer("width", 1, LARGEST_SIDE),
            fields.integer("channels", 1, 3),
            fields.flag("resized", false),
            fields.integer("grayBits", 8, 16));
    List<JsonFields> channels = fields.objects("normalization", 3);
    if (channels.size() != layout.channels() || layout.channels() == 2) {
      throw fields.error("normalization", "is not that of 1 or 3 channels");
    }
    float[] mean = new float[channels.size()];
    float[] deviation = new float[channels.size()];
    for (int c = 0; c < mean.length; c++) {
      mean[c] = (float) channels.get(c).number("mean", 0, 1, 0);
      deviation[c] = (float) channels.get(c).number("deviation", 0, 1, 0);
    }
    int train = fields.integer("train", 1, Integer.MAX_VALUE - 8);
    return new PackHeader(
        fields.objects("classes", MOST_CLASSES).stream().map(f -> f.string("class")).toList(),
        train,
        fields.integer("test", 1, Integer.MAX_VALUE - 8 - train),
        mean,
        deviation,
        layout,
        fields.word("encoding", List.of(PIXELS, FILES), null).equals(FILES),
        fields.integer("leftOut", 0, Integer.MAX_VALUE));
  }
}
