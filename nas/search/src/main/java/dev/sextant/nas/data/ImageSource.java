package dev.sextant.nas.data;

import dev.sextant.nas.provider.Options;
import dev.sextant.nas.provider.Provider;
import java.nio.file.Path;

/**
 * Images from outside: {@code --data NAME:LOCATION}, or a path that it recognises, before the
 * built-in formats look at it.
 */
public interface ImageSource extends Provider {
  /**
   * {@return whether a file or folder is what it reads; quick, and without an exception}
   *
   * @param path of a file or folder
   */
  default boolean recognises(Path path) {
    return false;
  }

  /**
   * Reads the images, always the same from the same location.
   *
   * @param location what stands behind the name and its colon, or the path that it recognised
   * @param options how to read it; what cannot be done is refused
   * @param own the values of its own options
   * @return training and test images
   * @throws dev.sextant.tensor.SextantException if they cannot be read, naming the file
   */
  ImageDataset open(String location, DataOptions options, Options own);

  /**
   * {@return the same location wherever the working directory is, for a run that is continued
   * later}
   *
   * @param location what stands behind the name and its colon
   */
  default String absolute(String location) {
    return Path.of(location).toAbsolutePath().normalize().toString();
  }
}
