package dev.sextant.nas.data;

import dev.sextant.nas.provider.Options;
import dev.sextant.nas.provider.Providers;
import dev.sextant.tensor.SextantException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** The image sources from outside. */
public final class ImageSources {
  /** All of them; the formats built in are those of {@link DataFormat}. */
  public static final Providers<ImageSource> ALL =
      new Providers<>("image source", ImageSource.class, List.of());

  private ImageSources() {}

  /** A source and what it is to read. */
  record Located(ImageSource source, String location) {
    String absolute() {
      return source.id() + ":" + source.absolute(location);
    }

    ImageDataset open(DataOptions options) {
      Options.check(options.own(), List.of(source));
      return source.open(location, options, Options.of(source, options.own()));
    }
  }

  /** What {@code NAME:LOCATION} stands for, if there is a source of that name. */
  static Optional<Located> named(String text) {
    int colon = text.indexOf(':');
    return colon < 0
        ? Optional.empty()
        : ALL.all().stream()
            .filter(source -> source.id().equals(text.substring(0, colon)))
            .map(source -> new Located(source, text.substring(colon + 1)))
            .findFirst();
  }

  /**
   * The source that recognises a path.
   *
   * @throws SextantException if there are several
   */
  static Optional<Located> recognising(Path path) {
    List<ImageSource> found = ALL.all().stream().filter(source -> source.recognises(path)).toList();
    if (found.size() > 1) {
      throw new SextantException(
          "%s: is what several read, %s; put a name and a colon before it"
              .formatted(path, found.stream().map(ImageSource::id).toList()));
    }
    return found.stream().map(source -> new Located(source, path.toString())).findFirst();
  }
}
