package dev.sextant.nas.data.file;

import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * A folder of data and what lies in it, without what systems leave behind. Only folders and plain
 * files are ever opened: reading a pipe would wait for ever, and a symbolic link out of the folder
 * leads to what nobody gave. Immutable.
 */
public final class DataTree {
  private final Path root;
  private final Path realRoot;
  private final boolean followLinks;

  /** What a name in a folder stands for. */
  private enum Kind {
    FOLDER(""),
    FILE(""),
    OUTSIDE("is a symbolic link out of the data (--follow-links reads it)"),
    DANGLING("is a symbolic link to nothing"),
    SPECIAL("is a pipe, socket or device and not a file");

    private final String wrong;

    Kind(String wrong) {
      this.wrong = wrong;
    }
  }

  /** A name in a folder: the path that opens it, and the name in UTF-8, whatever the locale. */
  public static final class Entry {
    private final Path path;
    private final String name;
    private final Kind kind;

    private Entry(Path path, Kind kind) {
      this.path = path;
      this.name = FileNames.of(path);
      this.kind = kind;
    }

    /** {@return its path, that of the folder and its name} */
    public Path path() {
      return path;
    }

    /** {@return its name in UTF-8, whatever the locale} */
    public String name() {
      return name;
    }

    /** {@return whether it is a folder that may be read} */
    public boolean isFolder() {
      return kind == Kind.FOLDER;
    }

    /** {@return whether it is a plain file that may be read} */
    public boolean isFile() {
      return kind == Kind.FILE;
    }

    /**
     * Refuses what is neither.
     *
     * @throws SextantException saying what it is
     */
    public void requireReadable() {
      if (!kind.wrong.isEmpty()) {
        throw new SextantException(path + ": " + kind.wrong);
      }
    }
  }

  /**
   * A folder, itself reached through any links.
   *
   * @param root the folder
   * @param followLinks whether links out of it are followed
   */
  public DataTree(Path root, boolean followLinks) {
    this.root = root;
    this.followLinks = followLinks;
    try {
      this.realRoot = root.toRealPath();
    } catch (IOException e) {
      throw DataFile.unreadable(root, e);
    }
  }

  /** {@return the folder} */
  public Path root() {
    return root;
  }

  /** {@return what is in the folder itself, by name} */
  public List<Entry> list() {
    return list(root);
  }

  /**
   * {@return what is in a folder of it, by name}
   *
   * @param folder in the tree
   */
  public List<Entry> list(Path folder) {
    List<Entry> entries = new ArrayList<>();
    try (var paths = Files.newDirectoryStream(folder)) {
      for (Path path : paths) {
        if (!FileNames.isLeftBehind(FileNames.of(path))) {
          entries.add(new Entry(path, kind(path)));
        }
      }
    } catch (IOException e) {
      throw DataFile.unreadable(folder, e);
    } catch (DirectoryIteratorException e) {
      throw DataFile.unreadable(folder, new IOException(e.getMessage(), e));
    }
    entries.sort(Comparator.comparing(Entry::name));
    return entries;
  }

  private Kind kind(Path path) throws IOException {
    BasicFileAttributes attributes =
        Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    if (attributes.isSymbolicLink()) {
      try {
        if (!followLinks && !path.toRealPath().startsWith(realRoot)) {
          return Kind.OUTSIDE;
        }
        attributes = Files.readAttributes(path, BasicFileAttributes.class);
      } catch (FileSystemException e) {
        // Nothing there, or a loop of links.
        return Kind.DANGLING;
      }
    }
    return attributes.isDirectory()
        ? Kind.FOLDER
        : attributes.isRegularFile() ? Kind.FILE : Kind.SPECIAL;
  }
}
