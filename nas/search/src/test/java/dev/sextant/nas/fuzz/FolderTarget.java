package dev.sextant.nas.fuzz;

import dev.sextant.nas.data.Datasets;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.zip.GZIPOutputStream;

/** A folder of images of which one file is changed, which is put back. */
final class FolderTarget {
  private FolderTarget() {}

  /** The target of that folder, which is made of these files. */
  static Target of(Path data, String name, Map<String, byte[]> files, boolean zipped)
      throws IOException {
    List<byte[]> good = new ArrayList<>();
    List<String> names = List.copyOf(files.keySet());
    for (String file : names) {
      boolean plain = !zipped || file.endsWith(".txt");
      byte[] bytes = Objects.requireNonNull(files.get(file));
      Path path = data.resolve(file + (plain ? "" : ".gz"));
      Files.createDirectories(Objects.requireNonNull(path.getParent()));
      Files.write(path, plain ? bytes : gzip(bytes));
      // The number of the file goes last, so that an input is all that a case is made of.
      byte[] numbered = Arrays.copyOf(bytes, bytes.length + 1);
      numbered[bytes.length] = (byte) good.size();
      good.add(numbered);
    }
    Grammar grammar =
        (numbered, choices) -> {
          byte last = numbered[numbered.length - 1];
          byte[] bytes = Arrays.copyOf(numbered, numbered.length - 1);
          boolean plain = !zipped || names.get(last).endsWith(".txt");
          boolean inside = choices.oneIn(2);
          byte[] changed =
              plain
                  ? Grammar.HEADED.change(bytes, choices)
                  : inside
                      ? gzip(Grammar.HEADED.change(bytes, choices))
                      : Grammar.BYTES.change(gzip(bytes), choices);
          byte[] result = Arrays.copyOf(changed, changed.length + 1);
          result[changed.length] = last;
          return result;
        };
    Target.Reader reader =
        numbered -> {
          int number = Math.floorMod(numbered[numbered.length - 1], names.size());
          boolean plain = !zipped || names.get(number).endsWith(".txt");
          Path file = data.resolve(names.get(number) + (plain ? "" : ".gz"));
          byte[] before = Files.readAllBytes(file);
          Files.write(file, Arrays.copyOf(numbered, numbered.length - 1));
          try {
            Datasets.open(data);
          } finally {
            Files.write(file, before);
          }
        };
    // A gzip may promise 16 MiB whatever its size.
    return new Target(name, good, grammar, reader, 20 << 20, 200);
  }

  static byte[] gzip(byte[] bytes) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (GZIPOutputStream zip = new GZIPOutputStream(out)) {
      zip.write(bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }
}
