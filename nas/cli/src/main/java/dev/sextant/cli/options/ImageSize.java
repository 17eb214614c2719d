package dev.sextant.cli.options;

import dev.sextant.nas.space.SearchSpace;
import dev.sextant.runtime.Architecture;
import dev.sextant.tensor.SextantException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** The options that put a network to other images than those it was written for. */
public final class ImageSize {
  @Option(
      names = "--input",
      paramLabel = "HxWxC",
      converter = Converter.class,
      description = "image size, as in 28x28x1, instead of the network's own")
  private Architecture.@Nullable Input input;

  @Option(
      names = "--classes",
      paramLabel = "N",
      description = "number of classes, instead of the network's own")
  private @Nullable Integer classes;

  /**
   * {@return the space for the images asked for}
   *
   * @param space as it was written
   */
  public SearchSpace of(SearchSpace space) {
    return space.withInput(
        input == null ? space.input() : input, classes == null ? space.classes() : classes);
  }

  /**
   * {@return the architecture for the images asked for}
   *
   * @param architecture as it was written
   */
  public Architecture of(Architecture architecture) {
    return architecture.withInput(
        input == null ? architecture.input() : input,
        classes == null ? architecture.classes() : classes);
  }

  /** Sizes as in {@code 224x224x3}. */
  public static final class Converter implements ITypeConverter<Architecture.Input> {
    @Override
    public Architecture.Input convert(String text) {
      String[] parts = text.split("x", -1);
      if (parts.length == 3) {
        try {
          return new Architecture.Input(
              Integer.parseInt(parts[0]), Integer.parseInt(parts[1]), Integer.parseInt(parts[2]));
        } catch (NumberFormatException e) {
          // Said below.
        } catch (SextantException e) {
          throw new TypeConversionException(String.valueOf(e.getMessage()));
        }
      }
      throw new TypeConversionException("'" + text + "' is not an image size such as 28x28x1");
    }
  }
}
