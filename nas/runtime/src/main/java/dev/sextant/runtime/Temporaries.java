package dev.sextant.runtime;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HexFormat;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Pattern;

/**
 * The files that {@link AtomicFile} writes before it renames them: {@code .NAME.MARK-COUNT.tmp}
 * beside NAME, with the mark of a process.
 *
 * <p>A writer holds its file's lock until the rename is done, so that a temporary file whose lock
 * is free was left by a process that died, on this machine or another that shares the disk.
 */
final class Temporaries {
  /** Process numbers repeat, in containers always; this does not. */
  private static final String MARK =
      HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong() ^ System.nanoTime());

  private static final AtomicLong COUNTER = new AtomicLong();

  private Temporaries() {}

  /** A new, locked temporary file for a name in a directory. */
  static FileOutput create(Path directory, String name) throws IOException {
    while (true) {
      Path path =
          directory.resolve("." + name + "." + MARK + "-" + COUNTER.incrementAndGet() + ".tmp");
      FileOutput out = FileOutput.create(path);
      try {
        lock(out.channel());
        // A sweeper may have come between creation and lock.
        if (Files.exists(path)) {
          return out;
        }
        out.close();
      } catch (IOException | RuntimeException e) {
        out.close();
        delete(path);
        throw e;
      }
    }
  }

  /** Where a file system has no locks nothing is swept either: an abandoned file cannot be told. */
  private static void lock(FileChannel channel) {
    try {
      channel.lock();
    } catch (IOException e) {
      // Written without.
    }
  }

  /** Deletes the temporary files for a name that processes which died have left. */
  static void sweep(Path directory, String name) {
    Pattern ours = Pattern.compile("\\." + Pattern.quote(name) + "\\.([0-9a-f]{16})-\\d+\\.tmp");
    try (DirectoryStream<Path> files =
        Files.newDirectoryStream(
            directory,
            file -> {
              var matcher = ours.matcher(String.valueOf(file.getFileName()));
              return matcher.matches() && !matcher.group(1).equals(MARK);
            })) {
      files.forEach(Temporaries::deleteIfAbandoned);
    } catch (IOException | DirectoryIteratorException e) {
      // The write that follows says what is wrong with the directory.
    }
  }

  private static void deleteIfAbandoned(Path file) {
    if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE);
        FileLock lock = channel.tryLock()) {
      if (lock != null) {
        Files.delete(file);
      }
    } catch (IOException | OverlappingFileLockException e) {
      // Not ours to delete, or gone already.
    }
  }

  /** After a rename there is nothing left to delete; after a failure the first error matters. */
  static void delete(Path temporary) {
    try {
      Files.deleteIfExists(temporary);
    } catch (IOException e) {
      // The write's own outcome is what the caller needs to hear.
    }
  }
}
