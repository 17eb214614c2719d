package dev.sextant.nas.run;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.sextant.runtime.FullDisk;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * What is on the disk when a process dies, for every call of the file system that changes it: a
 * copy of the folder before each of them. What the process would have done later is not there, and
 * neither are its locks.
 */
public final class Deaths {
  private int calls;
  private final List<Death> deaths = new ArrayList<>();
  private final Set<String> known = new HashSet<>();

  /**
   * A death.
   *
   * @param folder what it left
   * @param differs whether no earlier one left the same, but for files not renamed yet
   */
  public record Death(Path folder, boolean differs) {}

  private Deaths() {}

  /**
   * Runs a process to its end, and notes what it would have left.
   *
   * @param folder empty; gets the copies
   * @param process given the path of a folder to work in
   */
  public static Deaths of(Path folder, Consumer<Path> process) throws IOException {
    Path living = Files.createDirectories(folder.resolve("living"));
    FullDisk disk = new FullDisk(living, Long.MAX_VALUE, Integer.MAX_VALUE);
    Deaths deaths = new Deaths();
    Runnable die = () -> deaths.die(living, folder);
    disk.beforeChange(die);
    process.accept(disk.path(living));
    die.run();
    return deaths;
  }

  private void die(Path living, Path folder) {
    try {
      Path copy = folder.resolve("death-" + calls++);
      String[] contents = contents(living);
      boolean differs = known.add(contents[0]);
      // Of a file that is not renamed yet, nothing is read: how long it is makes no difference.
      if (known.add(contents[0] + contents[1])) {
        copy(living, copy);
        deaths.add(new Death(copy, differs));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Calls at which the process might have died, its end among them. */
  public int calls() {
    return calls;
  }

  /** What the calls left, each once. */
  public List<Death> deaths() {
    return deaths;
  }

  /** What files hold, and the names of those that are not renamed yet. */
  private static String[] contents(Path from) throws IOException {
    TreeMap<String, String> contents = new TreeMap<>();
    TreeSet<String> temporaries = new TreeSet<>();
    for (Path file : tree(from)) {
      String name = from.relativize(file).toString();
      if (name.endsWith(".tmp")) {
        temporaries.add(name + Math.min(1, Files.size(file)));
      } else {
        contents.put(
            name, Files.isDirectory(file) ? "" : new String(Files.readAllBytes(file), ISO_8859_1));
      }
    }
    return new String[] {contents.toString(), temporaries.toString()};
  }

  private static List<Path> tree(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.toList();
    }
  }

  /** Temporary files are another process's in the copy. */
  private static void copy(Path from, Path to) throws IOException {
    for (Path file : tree(from)) {
      String name =
          from.relativize(file).toString().replaceAll("\\.[0-9a-f]{16}-", ".0123456789abcdef-");
      if (Files.isDirectory(file)) {
        Files.createDirectories(to.resolve(name));
      } else {
        Files.copy(file, to.resolve(name));
      }
    }
  }

  /** What a folder and those in it hold that ends in {@code .tmp}. */
  public static List<String> temporaries(Path folder) throws IOException {
    return tree(folder).stream().map(Path::toString).filter(n -> n.endsWith(".tmp")).toList();
  }

  /** Whether files of these names hold the same bytes. */
  public static boolean same(Path one, Path other, String... names) throws IOException {
    for (String name : names) {
      if (!Arrays.equals(
          Files.readAllBytes(one.resolve(name)), Files.readAllBytes(other.resolve(name)))) {
        return false;
      }
    }
    return true;
  }
}
