package dev.sextant.runtime.json;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** Texts shipped inside the library. */
public final class Resources {
  private Resources() {}

  /**
   * {@return all of a resource that is known to be there; the owner opened it, as its module alone
   * may}
   *
   * @param resource as {@code Class.getResourceAsStream} gives it
   * @param name for the error of a library that was packed wrong
   */
  public static String text(@Nullable InputStream resource, String name) {
    if (resource == null) {
      throw new IllegalStateException("resource " + name + " is missing from the library");
    }
    try (resource) {
      return new String(resource.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
