package dev.sextant.nas.data.pack;

import dev.sextant.runtime.image.Pixels;
import dev.sextant.runtime.image.Resampler;

/**
 * Images of others, at another size or with other channels, made whenever they are asked for.
 *
 * @param from the others
 * @param height rows of theirs
 * @param width columns of theirs
 * @param channels of theirs
 * @param size of either side, shorter side first and then the centre; 0 keeps theirs
 * @param wanted channels, 1 or 3
 */
public record FittedPixels(
    PixelStore from, int height, int width, int channels, int size, int wanted)
    implements PixelStore {
  @Override
  public void read(int index, byte[] destination, int offset) {
    byte[] own = new byte[height * width * channels];
    from.read(index, own, 0);
    Pixels pixels = new Pixels(height, width, channels, own).withChannels(wanted);
    if (size == 0) {
      System.arraycopy(pixels.values(), 0, destination, offset, pixels.values().length);
    } else {
      Resampler.resizeAndCrop(pixels, size, destination, offset);
    }
  }

  @Override
  public boolean isDecoding() {
    return true;
  }
}
