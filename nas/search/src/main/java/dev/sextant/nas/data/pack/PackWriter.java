package dev.sextant.nas.data.pack;

import dev.sextant.runtime.AtomicFile;
import dev.sextant.runtime.FileOutput;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.stream.IntStream;
import java.util.zip.CRC32C;

/** Writes packs, a group of images after another, so that none need fit in memory. */
public final class PackWriter {
  /** Bytes read before they are written: enough for every processor to decode some images. */
  private static final int GROUP_BYTES = 16 << 20;

  private final FileOutput out;
  private final CRC32C block = new CRC32C();
  private final ByteBuffer sums;
  private long position;

  private PackWriter(FileOutput out, ByteBuffer sums) {
    this.out = out;
    this.sums = sums;
  }

  /**
   * Writes a pack, whole or not at all.
   *
   * @param file replaced if there is one
   * @param header what it says of the images
   * @param labels of all images, in their order
   * @param train images to train on; of a pack of files {@link PixelStore.Encoded}
   * @param test images to test on, likewise
   * @throws dev.sextant.tensor.SextantException if an image cannot be read or the file not written
   */
  public static void write(
      Path file, PackHeader header, int[] labels, PixelStore train, PixelStore test) {
    AtomicFile.write(
        file,
        out -> {
          ByteBuffer head = little(PackFormat.HEAD);
          head.putLong(0, PackFormat.MAGIC);
          out.write(head);
          byte[] text = header.json().getBytes(StandardCharsets.UTF_8);
          long[] offsets = new long[header.files() ? header.count() + 1 : 0];
          long data =
              header.files()
                  ? lengths(train, test, header, offsets)
                  : (long) header.count() * header.layout().imageBytes();
          ByteBuffer sums = little(Math.toIntExact(Integer.BYTES * PackFormat.blocks(data)));
          PackWriter writer = new PackWriter(out, sums);
          writer.part(train, header.train(), header);
          writer.part(test, header.test(), header);
          writer.footer(text, labels, offsets);
        });
  }

  private static long lengths(
      PixelStore train, PixelStore test, PackHeader header, long[] offsets) {
    for (int i = 0; i < header.count(); i++) {
      int length =
          i < header.train()
              ? ((PixelStore.Encoded) train).encoded(i).length
              : ((PixelStore.Encoded) test).encoded(i - header.train()).length;
      offsets[i + 1] = offsets[i] + length;
    }
    return offsets[header.count()];
  }

  private static ByteBuffer little(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private void part(PixelStore store, int count, PackHeader header) throws IOException {
    if (header.files()) {
      for (int i = 0; i < count; i++) {
        data(((PixelStore.Encoded) store).encoded(i));
      }
      return;
    }
    int imageBytes = header.layout().imageBytes();
    int group = Math.clamp(GROUP_BYTES / imageBytes, 1, count);
    for (int first = 0; first < count; first += group) {
      int from = first;
      int images = Math.min(group, count - first);
      byte[] pixels = new byte[images * imageBytes];
      IntStream indices = IntStream.range(0, images);
      (store.isDecoding() ? indices.parallel() : indices)
          .forEach(i -> store.read(from + i, pixels, i * imageBytes));
      data(pixels);
    }
  }

  private void data(byte[] bytes) throws IOException {
    out.write(ByteBuffer.wrap(bytes));
    int at = 0;
    while (at < bytes.length) {
      long left = (1L << PackFormat.BLOCK_SHIFT) - (position & (1L << PackFormat.BLOCK_SHIFT) - 1);
      int some = (int) Math.min(left, bytes.length - at);
      block.update(bytes, at, some);
      at += some;
      position += some;
      if (some == left) {
        endBlock();
      }
    }
  }

  private void endBlock() {
    sums.putInt((int) block.getValue());
    block.reset();
  }

  private void footer(byte[] text, int[] labels, long[] offsets) throws IOException {
    if (sums.hasRemaining()) {
      endBlock();
    }
    if (sums.hasRemaining()) {
      throw new IOException("the images were changed while they were read");
    }
    ByteBuffer first = little(Integer.BYTES + text.length);
    first.putInt(text.length).put(text);
    ByteBuffer ints = little(Math.multiplyExact(Integer.BYTES, labels.length));
    ints.asIntBuffer().put(labels);
    ByteBuffer longs = little(Math.multiplyExact(Long.BYTES, offsets.length));
    longs.asLongBuffer().put(offsets);
    CRC32C check = new CRC32C();
    long bytes = 0;
    for (ByteBuffer part : new ByteBuffer[] {first.flip(), ints, longs, sums.flip()}) {
      bytes += part.remaining();
      check.update(part.duplicate());
      out.write(part);
    }
    ByteBuffer tail = little(PackFormat.TAIL);
    tail.putLong(position).putLong(bytes);
    check.update(tail.array(), 0, 2 * Long.BYTES);
    tail.putInt((int) check.getValue()).putLong(PackFormat.MAGIC);
    out.write(tail.flip());
  }
}
