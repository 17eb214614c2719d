package dev.sextant.nas.data.pack;

/**
 * The pixels of images of one size, {@code [N, H, W, C]}, unsigned. Whatever they lie in, the same
 * image has the same bytes. Safe for any number of threads.
 */
public interface PixelStore {
  /**
   * Copies one image {@code [H, W, C]}.
   *
   * @param index of an image, from 0
   * @param destination where its bytes go
   * @param offset where in the destination the first byte goes
   * @throws dev.sextant.tensor.SextantException naming the file if it cannot be read, or is not
   *     what was written
   */
  void read(int index, byte[] destination, int offset);

  /** {@return whether reading takes so long that several threads should share it} */
  default boolean isDecoding() {
    return false;
  }

  /** Images that stand as files, each PNG or JPEG. */
  interface Encoded extends PixelStore {
    /**
     * {@return the bytes of the file}
     *
     * @param index of an image, from 0
     */
    byte[] encoded(int index);

    /** {@return what is made of the files} */
    ImageLayout layout();

    @Override
    default boolean isDecoding() {
      return true;
    }
  }

  /**
   * {@return some of these images, in that order}
   *
   * @param indices of images; not copied
   */
  default PixelStore picked(int[] indices) {
    PixelStore all = this;
    if (all instanceof Encoded encoded) {
      return new Encoded() {
        @Override
        public void read(int index, byte[] destination, int offset) {
          all.read(indices[index], destination, offset);
        }

        @Override
        public byte[] encoded(int index) {
          return encoded.encoded(indices[index]);
        }

        @Override
        public ImageLayout layout() {
          return encoded.layout();
        }
      };
    }
    return new PixelStore() {
      @Override
      public void read(int index, byte[] destination, int offset) {
        all.read(indices[index], destination, offset);
      }

      @Override
      public boolean isDecoding() {
        return all.isDecoding();
      }
    };
  }
}
