package dev.sextant.nas.data;

import dev.sextant.tensor.SextantException;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** How a data set is stored. */
public enum DataFormat {
  /** Generated: see {@link Datasets#open(String, DataOptions)}. */
  BUILTIN("builtin"),
  /** MNIST and its relatives: four IDX files, each plain or gzipped. */
  IDX("idx"),
  /** Records of 1 label byte and 3,072 pixel bytes, channel after channel. */
  CIFAR10("cifar10"),
  /** Records of 2 label bytes (coarse, fine) and 3,072 pixel bytes. */
  CIFAR100("cifar100"),
  /** A folder of PNG and JPEG files for each class. */
  FOLDER("folder"),
  /** One file that {@link Datasets#pack} wrote. */
  PACK("pack");

  private final String id;

  DataFormat(String id) {
    this.id = id;
  }

  /** {@return the name used on the command line and in run files} */
  public String id() {
    return id;
  }

  /**
   * {@return the format of that name}
   *
   * @param id as {@link #id} gives it
   */
  public static DataFormat of(String id) {
    for (DataFormat format : values()) {
      if (format.id.equals(id)) {
        return format;
      }
    }
    throw new SextantException(
        String.format(
            Locale.ROOT,
            "data format '%s' is unknown (known: %s)",
            id,
            Arrays.stream(values()).map(DataFormat::id).collect(Collectors.joining(", "))));
  }
}
