package dev.sextant.nas.run;

import dev.sextant.runtime.AtomicFile;
import dev.sextant.runtime.FileOutput;
import java.io.IOException;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The operating system's lock of a directory, on a file in it that nothing else opens. It goes with
 * the process, however that dies.
 *
 * <p>Safe to take from any thread; one process holds it once.
 */
final class DirectoryLock implements AutoCloseable {
  static final String FILE = "owner.lock";

  /**
   * Directories that this process holds. Opening the file a second time and closing it would give
   * the lock up: POSIX has one for a process and a file.
   */
  private static final Set<Object> HELD = ConcurrentHashMap.newKeySet();

  private final Object directory;
  private final FileOutput file;
  private final boolean exclusive;

  private DirectoryLock(Object directory, FileOutput file, boolean exclusive) {
    this.directory = directory;
    this.file = file;
    this.exclusive = exclusive;
  }

  /**
   * Takes the lock of a directory that exists.
   *
   * @return the lock, or null if it is held, by this process or another
   * @throws dev.sextant.tensor.SextantException if the file cannot be written
   */
  static @Nullable DirectoryLock tryAcquire(Path directory) {
    Object key;
    try {
      Object file = Files.readAttributes(directory, BasicFileAttributes.class).fileKey();
      key = file == null ? directory.toRealPath().toString() : file;
    } catch (IOException e) {
      throw AtomicFile.unwritable(directory, e);
    }
    if (!HELD.add(key)) {
      return null;
    }
    DirectoryLock lock = null;
    try {
      lock = open(directory, key);
      return lock;
    } finally {
      if (lock == null) {
        HELD.remove(key);
      }
    }
  }

  private static @Nullable DirectoryLock open(Path directory, Object key) {
    FileOutput file = FileOutput.append(directory.resolve(FILE), 0);
    try {
      if (file.tryLock()) {
        return new DirectoryLock(key, file, true);
      }
    } catch (OverlappingFileLockException e) {
      // Another copy of this class in the same process.
    } catch (IOException e) {
      return new DirectoryLock(key, file, false);
    }
    close(file);
    return null;
  }

  /** Whether no other process of this machine can hold it: false where there are no locks. */
  boolean isExclusive() {
    return exclusive;
  }

  @Override
  public void close() {
    close(file);
    HELD.remove(directory);
  }

  private static void close(FileOutput file) {
    try {
      file.close();
    } catch (IOException e) {
      // Nothing was written, and the lock is gone with the descriptor.
    }
  }
}
