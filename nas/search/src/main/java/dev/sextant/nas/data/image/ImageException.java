package dev.sextant.nas.data.image;

import dev.sextant.tensor.SextantException;
import java.nio.file.Path;

/** One image file is not what can be read: damaged, of another kind, too large. */
public final class ImageException extends SextantException {
  private static final long serialVersionUID = 1;

  private ImageException(String message, Throwable cause) {
    super(message, cause);
  }

  /**
   * What is wrong, without the file: who opened it names it.
   *
   * @param what is wrong with it
   */
  public ImageException(String what) {
    super(what);
  }

  static ImageException damaged(String what) {
    return new ImageException("is a damaged image (" + what + ")");
  }

  /**
   * {@return the same, of that file}
   *
   * @param path of the file
   */
  public ImageException in(Path path) {
    return new ImageException(path + ": " + getMessage(), this);
  }
}
