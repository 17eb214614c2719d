package dev.sextant.nas.data.pack;

import dev.sextant.nas.data.file.DataFile;
import dev.sextant.nas.data.image.ImageException;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.zip.CRC32C;

/**
 * A file of images that is mapped, not read: what of it is in memory is the system's affair, and
 * the heap holds four bytes an image and a megabyte.
 *
 * <p>Opening checks the length, and the checksum of header, labels and offsets: a pack that is cut
 * is refused then. A block of pixels is checked when it is first looked at, so that nothing waits
 * for 100 GiB to be read; what changes on the disk after that is not noticed.
 *
 * <p>Safe for any number of threads.
 */
public final class Pack {
  private final Path file;
  private final PackHeader header;
  private final int[] labels;
  private final long[] offsets;
  private final int[] sums;
  private final MemorySegment data;

  /** 1 for each block that was found to be what was written. */
  private final AtomicIntegerArray checked;

  private Pack(
      Path file, PackHeader header, int[] labels, long[] offsets, int[] sums, MemorySegment data) {
    this.file = file;
    this.header = header;
    this.labels = labels;
    this.offsets = offsets;
    this.sums = sums;
    this.data = data;
    checked = new AtomicIntegerArray((sums.length + Integer.SIZE - 1) / Integer.SIZE);
  }

  /**
   * {@return whether a file begins as a pack does}
   *
   * @param file which may be absent, or no plain file
   */
  public static boolean isPack(Path file) {
    if (!Files.isRegularFile(file)) {
      return false;
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      return read(channel, 0, Long.BYTES).getLong(0) == PackFormat.MAGIC;
    } catch (IOException e) {
      return false;
    }
  }

  /**
   * Maps a pack; the mapping goes with the last that refers to it.
   *
   * @param file of the pack
   * @return its images
   * @throws SextantException if it is none, cut, or damaged
   */
  public static Pack open(Path file) {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      return open(file, channel);
    } catch (IOException e) {
      throw DataFile.unreadable(file, e);
    }
  }

  private static Pack open(Path file, FileChannel channel) throws IOException {
    long size = channel.size();
    if (size < PackFormat.HEAD + PackFormat.TAIL
        || read(channel, 0, Long.BYTES).getLong(0) != PackFormat.MAGIC) {
      throw wrong(file, "is no pack of images, or a cut one");
    }
    ByteBuffer tail = read(channel, size - PackFormat.TAIL, PackFormat.TAIL);
    long dataBytes = tail.getLong(0);
    long footerBytes = tail.getLong(8);
    if (tail.getLong(20) != PackFormat.MAGIC
        || dataBytes < 0
        || footerBytes < Integer.BYTES
        || dataBytes > size
        || footerBytes > size
        || PackFormat.HEAD + dataBytes + footerBytes + PackFormat.TAIL != size) {
      throw wrong(file, "is a cut pack: it does not end as packs do");
    }
    if (footerBytes > Integer.MAX_VALUE - 8) {
      throw wrong(file, "is a damaged pack: its index is larger than 2 GiB");
    }
    ByteBuffer footer = read(channel, PackFormat.HEAD + dataBytes, (int) footerBytes);
    CRC32C check = new CRC32C();
    check.update(footer.duplicate());
    check.update(tail.array(), 0, 2 * Long.BYTES);
    if ((int) check.getValue() != tail.getInt(16)) {
      throw wrong(file, "is a damaged pack: its index has another checksum");
    }
    int textBytes = footer.getInt();
    if (textBytes < 0 || textBytes > footer.remaining()) {
      throw wrong(file, "is a damaged pack: its header is longer than its index");
    }
    String text = new String(footer.array(), footer.position(), textBytes, StandardCharsets.UTF_8);
    footer.position(footer.position() + textBytes);
    PackHeader header = PackHeader.parse(text, file.toString());
    long count = header.count();
    long offsets = header.files() ? count + 1 : 0;
    long blocks = PackFormat.blocks(dataBytes);
    if (footer.remaining() != Integer.BYTES * (count + blocks) + Long.BYTES * offsets
        || (!header.files() && count * header.layout().imageBytes() != dataBytes)) {
      throw wrong(file, "is a damaged pack: header, index and images do not fit together");
    }
    int[] labels = ints(footer, (int) count);
    long[] starts = new long[(int) offsets];
    footer.asLongBuffer().get(starts);
    footer.position(footer.position() + Long.BYTES * starts.length);
    int[] sums = ints(footer, (int) blocks);
    for (int i = 0; i < labels.length; i++) {
      if (labels[i] < 0 || labels[i] >= header.classes().size()) {
        throw wrong(file, String.format(Locale.ROOT, "has a label %d of image %d", labels[i], i));
      }
    }
    for (int i = 0; i < starts.length; i++) {
      long before = i == 0 ? 0 : starts[i - 1];
      if (starts[i] < before
          || starts[i] > dataBytes
          || starts[i] - before > Integer.MAX_VALUE - 8) {
        throw wrong(
            file, String.format(Locale.ROOT, "has no place for image %d", Math.max(0, i - 1)));
      }
    }
    MemorySegment data =
        dataBytes == 0
            ? MemorySegment.NULL
            : channel.map(
                FileChannel.MapMode.READ_ONLY, PackFormat.HEAD, dataBytes, Arena.ofAuto());
    return new Pack(file, header, labels, starts, sums, data);
  }

  private static int[] ints(ByteBuffer footer, int count) {
    int[] values = new int[count];
    footer.asIntBuffer().get(values);
    footer.position(footer.position() + Integer.BYTES * count);
    return values;
  }

  private static ByteBuffer read(FileChannel channel, long from, int bytes) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    while (buffer.hasRemaining()) {
      if (channel.read(buffer, from + buffer.position()) < 0) {
        throw new IOException("it ends after " + channel.size() + " bytes");
      }
    }
    return buffer.flip();
  }

  private static SextantException wrong(Path file, String what) {
    return new SextantException(file + ": " + what);
  }

  /** {@return what it says of its images} */
  public PackHeader header() {
    return header;
  }

  /** {@return the labels of the images to train on} */
  public int[] trainLabels() {
    return Arrays.copyOf(labels, header.train());
  }

  /** {@return the labels of the images to test on} */
  public int[] testLabels() {
    return Arrays.copyOfRange(labels, header.train(), header.count());
  }

  /** {@return the images to train on} */
  public PixelStore train() {
    return part(0);
  }

  /** {@return the images to test on} */
  public PixelStore test() {
    return part(header.train());
  }

  private PixelStore part(int first) {
    return header.files() ? new PackedFiles(first) : new PackedPixels(first);
  }

  /** Copies bytes whose blocks are checked. */
  private void copy(long from, byte[] destination, int offset, int bytes) {
    try {
      int last = (int) (from + bytes - 1 >> PackFormat.BLOCK_SHIFT);
      for (int block = (int) (from >> PackFormat.BLOCK_SHIFT);
          bytes > 0 && block <= last;
          block++) {
        if ((checked.get(block >> 5) & 1 << block) == 0) {
          check(block);
        }
      }
      MemorySegment.copy(data, ValueLayout.JAVA_BYTE, from, destination, offset, bytes);
    } catch (InternalError e) {
      // What the JVM throws where a page of a mapped file is no longer there.
      throw new SextantException(file + ": was cut while it was read, or its disk fails", e);
    }
  }

  private void check(int block) {
    long from = (long) block << PackFormat.BLOCK_SHIFT;
    long bytes = Math.min(1L << PackFormat.BLOCK_SHIFT, data.byteSize() - from);
    CRC32C sum = new CRC32C();
    sum.update(data.asSlice(from, bytes).asByteBuffer());
    if ((int) sum.getValue() != sums[block]) {
      throw wrong(
          file,
          String.format(
              Locale.ROOT,
              "is a damaged pack: bytes %d to %d have another checksum",
              PackFormat.HEAD + from,
              PackFormat.HEAD + from + bytes - 1));
    }
    checked.accumulateAndGet(block >> 5, 1 << block, (a, b) -> a | b);
  }

  /** Pixels as they are. */
  private final class PackedPixels implements PixelStore {
    private final int first;
    private final int imageBytes = header.layout().imageBytes();

    PackedPixels(int first) {
      this.first = first;
    }

    @Override
    public void read(int index, byte[] destination, int offset) {
      copy((long) (first + index) * imageBytes, destination, offset, imageBytes);
    }
  }

  /** Files, decoded whenever they are asked for. */
  private final class PackedFiles implements PixelStore.Encoded {
    private final int first;

    PackedFiles(int first) {
      this.first = first;
    }

    @Override
    public void read(int index, byte[] destination, int offset) {
      try {
        layout().decode(encoded(index), destination, offset);
      } catch (ImageException e) {
        throw new SextantException(
            String.format(Locale.ROOT, "%s: image %d %s", file, first + index, e.getMessage()), e);
      }
    }

    @Override
    public byte[] encoded(int index) {
      long from = offsets[first + index];
      byte[] bytes = new byte[(int) (offsets[first + index + 1] - from)];
      copy(from, bytes, 0, bytes.length);
      return bytes;
    }

    @Override
    public ImageLayout layout() {
      return header.layout();
    }
  }
}
