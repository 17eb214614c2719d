package dev.sextant.nas.fuzz;

import dev.sextant.nas.data.DataOptions;
import dev.sextant.nas.data.Datasets;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.data.Images;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32C;

/** Packs of images, whose index is changed behind its checksum, too. */
final class PackTarget {
  private static final int HEAD = 4096;
  private static final int TAIL = 28;

  private PackTarget() {}

  static Target of(Path folder, byte[] png) throws IOException {
    for (String name :
        List.of("images/a/0.png", "images/a/1.png", "images/b/2.png", "images/b/3.png")) {
      Path file = folder.resolve(name);
      Files.createDirectories(file.getParent());
      Files.write(file, png);
    }
    Path pixels = folder.resolve("pixels.pack");
    Path files = folder.resolve("files.pack");
    DataOptions options = DataOptions.DEFAULT.withImageSize(8);
    Datasets.pack("builtin:100", options, pixels, false);
    Datasets.pack(folder.resolve("images").toString(), options, files, true);
    Path changed = folder.resolve("changed.pack");
    return new Target(
        "pack",
        List.of(Files.readAllBytes(pixels), Files.readAllBytes(files)),
        (good, choices) ->
            choices.oneIn(3) ? Grammar.BYTES.change(good, choices) : resealed(good, choices),
        input -> {
          Files.write(changed, input);
          ImageDataset data = Datasets.open(changed);
          for (Images part : List.of(data.train(), data.test())) {
            byte[] image = new byte[part.imageBytes()];
            for (int i = 0; i < Math.min(4, part.count()); i++) {
              part.copyPixels(i, image, 0);
            }
          }
        },
        // A file in it may have 8 million pixels whatever its size, at 16 bytes each, and the
        // header says what size they get.
        400 << 20,
        16 * 200 + 100);
  }

  /** An index that is changed and fits its checksum. */
  private static byte[] resealed(byte[] good, Choices choices) {
    ByteBuffer tail =
        ByteBuffer.wrap(good, good.length - TAIL, TAIL).slice().order(ByteOrder.LITTLE_ENDIAN);
    int data = (int) tail.getLong(0);
    byte[] footer =
        choices.oneIn(2)
            ? Grammar.BYTES.change(
                Arrays.copyOfRange(good, HEAD + data, good.length - TAIL), choices)
            : text(Arrays.copyOfRange(good, HEAD + data, good.length - TAIL), choices);
    ByteBuffer file =
        ByteBuffer.allocate(HEAD + data + footer.length + TAIL).order(ByteOrder.LITTLE_ENDIAN);
    file.put(good, 0, HEAD + data).put(footer);
    CRC32C check = new CRC32C();
    check.update(footer);
    int end = file.position();
    file.putLong(data).putLong(footer.length);
    check.update(file.array(), end, 16);
    file.putInt((int) check.getValue()).putLong(tail.getLong(20));
    return file.array();
  }

  /** The index with another header. */
  private static byte[] text(byte[] footer, Choices choices) {
    int length = ByteBuffer.wrap(footer).order(ByteOrder.LITTLE_ENDIAN).getInt();
    byte[] text = JsonGrammar.OBJECT.change(Arrays.copyOfRange(footer, 4, 4 + length), choices);
    return ByteBuffer.allocate(4 + text.length + footer.length - 4 - length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(text.length)
        .put(text)
        .put(footer, 4 + length, footer.length - 4 - length)
        .array();
  }
}
