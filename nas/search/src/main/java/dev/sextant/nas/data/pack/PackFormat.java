package dev.sextant.nas.data.pack;

/**
 * How a pack lies in its file, all numbers little-endian:
 *
 * <pre>
 * 4,096 bytes     the magic, then zeros, so that what follows begins with a page
 * data            pixels image after image, or files one after another
 * footer          length of the header's JSON (int), the JSON, a label for each image (int); of
 *                 files also where each begins and the last ends (long); CRC-32C of each block of
 *                 1 MiB of data (int)
 * 28 bytes        length of the data (long), of the footer (long), CRC-32C of footer and both (int),
 *                 the magic
 * </pre>
 *
 * The end says what there is, so that a pack is written in one pass, and one that is cut has none.
 */
final class PackFormat {
  /** "sextpack" as its bytes stand in the file. */
  static final long MAGIC = 0x6B63617074786573L;

  static final int HEAD = 4096;
  static final int TAIL = 28;
  static final int BLOCK_SHIFT = 20;

  private PackFormat() {}

  /** Blocks of so many bytes of data. */
  static long blocks(long dataBytes) {
    return (dataBytes + (1L << BLOCK_SHIFT) - 1) >> BLOCK_SHIFT;
  }
}
