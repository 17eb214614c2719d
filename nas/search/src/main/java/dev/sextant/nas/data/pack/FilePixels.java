package dev.sextant.nas.data.pack;

import dev.sextant.nas.data.file.DataFile;
import dev.sextant.nas.data.image.ImageException;
import dev.sextant.nas.data.image.ImageFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** Image files of a folder, each decoded whenever it is asked for. */
public final class FilePixels implements PixelStore.Encoded {
  private final List<Path> files;
  private final ImageLayout layout;

  /**
   * Images by their files.
   *
   * @param files of the images, in their order
   * @param layout what is made of each
   */
  public FilePixels(List<Path> files, ImageLayout layout) {
    this.files = List.copyOf(files);
    this.layout = layout;
  }

  @Override
  public void read(int index, byte[] destination, int offset) {
    try {
      layout.decode(encoded(index), destination, offset);
    } catch (ImageException e) {
      throw e.in(files.get(index));
    }
  }

  @Override
  public byte[] encoded(int index) {
    Path file = files.get(index);
    try {
      return ImageFile.bytes(file);
    } catch (IOException e) {
      throw DataFile.unreadable(file, e);
    }
  }

  @Override
  public ImageLayout layout() {
    return layout;
  }
}
