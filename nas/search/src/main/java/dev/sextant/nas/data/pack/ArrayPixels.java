package dev.sextant.nas.data.pack;

/** Images in arrays of whole images, so that they may exceed 2<sup>31</sup> bytes. */
public final class ArrayPixels implements PixelStore {
  /** Arrays end at this many bytes: large enough to be few, small enough for any collector. */
  public static final int CHUNK_BYTES = 1 << 28;

  private final int imageBytes;
  private final int imagesPerChunk;
  private final byte[][] chunks;

  /**
   * Room for images.
   *
   * @param count of images
   * @param imageBytes of each, at most {@link #CHUNK_BYTES}
   */
  public ArrayPixels(int count, int imageBytes) {
    this.imageBytes = imageBytes;
    imagesPerChunk = CHUNK_BYTES / imageBytes;
    chunks = new byte[(int) (((long) count + imagesPerChunk - 1) / imagesPerChunk)][];
    for (int i = 0; i < chunks.length; i++) {
      long inChunk = Math.min(imagesPerChunk, count - (long) i * imagesPerChunk);
      chunks[i] = new byte[(int) (inChunk * imageBytes)];
    }
  }

  /**
   * {@return the array an image lies in}
   *
   * @param index of an image
   */
  public byte[] chunk(int index) {
    return chunks[index / imagesPerChunk];
  }

  /**
   * {@return where it begins there}
   *
   * @param index of an image
   */
  public int offset(int index) {
    return index % imagesPerChunk * imageBytes;
  }

  /** {@return all arrays, image after image} */
  public byte[][] chunks() {
    return chunks;
  }

  @Override
  public void read(int index, byte[] destination, int offset) {
    System.arraycopy(chunk(index), offset(index), destination, offset, imageBytes);
  }
}
