package dev.sextant.nas.provider;

import dev.sextant.nas.data.DataOptions;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.data.ImageSource;
import dev.sextant.nas.data.Images;
import java.nio.file.Path;
import java.util.List;

/** Stripes across or along, of a width that its file's name says. */
public final class StripesSource implements ImageSource {
  @Override
  public String id() {
    return "test-stripes";
  }

  @Override
  public String summary() {
    return "stripes across or along";
  }

  @Override
  public List<Option> options() {
    return List.of(Option.number("count", 40, 4, 1000, "images"));
  }

  @Override
  public boolean recognises(Path path) {
    return path.toString().endsWith(".stripes");
  }

  @Override
  public ImageDataset open(String location, DataOptions options, Options own) {
    int count = (int) own.number("count");
    byte[] pixels = new byte[count * 64];
    int[] labels = new int[count];
    for (int i = 0; i < pixels.length; i++) {
      labels[i / 64] = i / 64 % 2;
      int along = labels[i / 64] == 0 ? i % 8 : i / 8 % 8;
      pixels[i] = (byte) (along / 2 % 2 == 0 ? 255 : i % 7);
    }
    Images images = Images.of(8, 8, 1, pixels, labels);
    return ImageDataset.of("stripes of " + location, List.of("across", "along"), images, images);
  }
}
