package dev.sextant.nas.run;

import com.google.gson.JsonObject;
import dev.sextant.runtime.AtomicFile;
import dev.sextant.runtime.json.JsonFields;
import dev.sextant.runtime.json.JsonText;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The right of one process to write into the directory of a run or a comparison.
 *
 * <p>It is an operating system's lock on {@code owner.lock}, which dies with its process, and
 * {@code owner.json}, which says who holds it: the number of the attempt, one more than that of the
 * owner before, host, process and the time.
 *
 * <ul>
 *   <li>On one machine the lock decides: a second process is refused, and what a killed one held is
 *       free at once. Where the file system has no locks, the process is looked up by its number.
 *   <li>On a disk that machines share, locks may not reach from one to another. So a directory that
 *       {@code owner.json} says is held by another host stays so, until {@link #release} is called
 *       for it: {@code sextant resume --take-over}. A lease would end by itself, but only as well
 *       as the machines' clocks agree and no process is ever suspended for longer.
 *   <li>An owner that was released by mistake finds another attempt in {@code owner.json} before
 *       its next checkpoint, and stops there ({@link #check}).
 * </ul>
 *
 * <p>Two that begin in the same instant on two machines whose locks do not reach each other are
 * told apart the same way: the one whose attempt was overwritten stops at its first checkpoint.
 *
 * <p>Confined to one thread.
 */
public final class Owner implements AutoCloseable {
  /** Says who holds the directory. */
  static final String FILE = "owner.json";

  private static final String FORMAT = "sextant-owner/1";
  private static final String HELD = "held";
  private static final String RELEASED = "released";

  /** Where Linux has the name that this machine goes by. */
  private static final Path HOST_NAME = Path.of("/proc/sys/kernel/hostname");

  private final Path directory;
  private final DirectoryLock lock;
  private final Claim claim;
  private boolean closed;

  private Owner(Path directory, DirectoryLock lock, Claim claim) {
    this.directory = directory;
    this.lock = lock;
    this.claim = claim;
  }

  /**
   * Takes a directory that exists.
   *
   * @param directory of a run or a comparison
   * @return the right to write into it, to be closed
   * @throws SextantException naming the holder if another process has it, or if it cannot be
   *     written
   */
  public static Owner of(Path directory) {
    DirectoryLock lock = DirectoryLock.tryAcquire(directory);
    if (lock == null) {
      throw new SextantException(directory + ": held by " + holder(directory));
    }
    boolean taken = false;
    try {
      Claim before = Claim.read(directory);
      if (before != null && before.held && isAlive(before, lock)) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "%s: held by %s; if that process is gone, resume with --take-over",
                directory,
                before));
      }
      Claim claim =
          new Claim(
              before == null ? 1 : Math.addExact(before.attempt, 1),
              host(),
              ProcessHandle.current().pid(),
              Instant.now().truncatedTo(ChronoUnit.MILLIS),
              true);
      claim.write(directory);
      taken = true;
      return new Owner(directory, lock, claim);
    } finally {
      if (!taken) {
        lock.close();
      }
    }
  }

  /**
   * Takes a directory for what is opened in it, and gives it back if that fails.
   *
   * @param directory of a run or a comparison
   * @param opened given the right to write into it, which it closes in the end
   * @return what was opened
   * @param <T> its type
   * @throws SextantException as {@link #of} and {@code opened} do
   */
  public static <T> T holding(Path directory, Function<Owner, T> opened) {
    Owner owner = of(directory);
    try {
      return opened.apply(owner);
    } catch (RuntimeException | Error e) {
      owner.close();
      throw e;
    }
  }

  /**
   * {@return whether a process of this machine had a directory, and has it no more}
   *
   * @param directory that may be gone, or another user's
   */
  public static boolean isAbandoned(Path directory) {
    if (!Files.exists(directory.resolve(FILE))) {
      return false;
    }
    try (DirectoryLock lock = DirectoryLock.tryAcquire(directory)) {
      if (lock == null) {
        return false;
      }
      Claim claim = readable(directory);
      return claim != null && !(claim.held && isAlive(claim, lock));
    } catch (SextantException e) {
      return false;
    }
  }

  /**
   * Takes a directory from its holder, which is known to be gone, or which is to stop at its next
   * checkpoint.
   *
   * @param directory of a run or a comparison
   * @throws SextantException if a process of this machine holds it, or if it cannot be written
   */
  public static void release(Path directory) {
    DirectoryLock lock = DirectoryLock.tryAcquire(directory);
    if (lock == null) {
      throw new SextantException(directory + ": held by " + holder(directory));
    }
    try (lock) {
      Claim before = readable(directory);
      if (before != null) {
        before.released().write(directory);
      } else {
        // What cannot be read counts as never taken.
        Folders.delete(directory.resolve(FILE));
      }
    }
  }

  /**
   * {@return the process of this machine that holds a directory, or null if none does} One that has
   * got the number of a holder that is gone is younger than that one's claim.
   *
   * @param directory of a run or a comparison
   */
  public static @Nullable ProcessHandle process(Path directory) {
    Claim claim = readable(directory);
    if (claim == null || !claim.held || !claim.host.equals(host())) {
      return null;
    }
    return ProcessHandle.of(claim.process)
        .filter(ProcessHandle::isAlive)
        .filter(
            process ->
                process
                    .info()
                    .startInstant()
                    .map(start -> start.isBefore(claim.since))
                    .orElse(true))
        .orElse(null);
  }

  private static @Nullable Claim readable(Path directory) {
    try {
      return Claim.read(directory);
    } catch (SextantException e) {
      return null;
    }
  }

  /** For a sentence; a holder that has only just begun has not said yet who it is. */
  private static String holder(Path directory) {
    Claim claim = readable(directory);
    return claim == null || !claim.held ? "another process" : claim.toString();
  }

  /** Whether a holder may be at work still, though the lock is ours. */
  private static boolean isAlive(Claim claim, DirectoryLock lock) {
    if (!claim.host.equals(host())) {
      return true;
    }
    return !lock.isExclusive()
        && ProcessHandle.of(claim.process).map(ProcessHandle::isAlive).orElse(false);
  }

  private static String host() {
    try {
      if (Files.isReadable(HOST_NAME)) {
        return Files.readString(HOST_NAME).strip();
      }
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      // Its message begins with the name, which has no address here.
      return String.valueOf(e.getMessage()).replaceFirst(":.*", "");
    } catch (IOException e) {
      throw new SextantException(HOST_NAME + ": cannot be read (" + e.getMessage() + ")", e);
    }
  }

  /**
   * Makes sure that the directory has not been taken over; to be called before what is in it
   * changes for good.
   *
   * @throws SextantException naming who has it now
   */
  public void check() {
    Claim now = readable(directory);
    if (!claim.equals(now)) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: taken over by %s, this is attempt %d",
              directory,
              now == null || now.equals(claim.released()) ? "another process" : now,
              claim.attempt));
    }
  }

  /** Gives the directory back. Idempotent. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    try (lock) {
      if (claim.equals(readable(directory))) {
        claim.released().write(directory);
      }
    } catch (SextantException e) {
      // On a full disk, say; the lock is free all the same.
    }
  }

  /**
   * What {@code owner.json} says.
   *
   * @param attempt from 1
   * @param since in UTC
   * @param held false once it was given back
   */
  private record Claim(int attempt, String host, long process, Instant since, boolean held) {
    static @Nullable Claim read(Path directory) {
      Path file = directory.resolve(FILE);
      if (!Files.exists(file)) {
        return null;
      }
      try {
        JsonFields fields = JsonFields.parse(JsonText.readFile(file), file.toString());
        fields.word("format", List.of(FORMAT), null);
        return new Claim(
            fields.integer("attempt", 1, Integer.MAX_VALUE),
            fields.string("host"),
            fields.integer("process", 0, Integer.MAX_VALUE),
            Instant.parse(fields.string("since")),
            fields.word("state", List.of(HELD, RELEASED), null).equals(HELD));
      } catch (SextantException | DateTimeException e) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "%s: damaged (%s); if no process writes into its directory, resume with"
                    + " --take-over",
                file,
                e.getMessage()),
            e);
      }
    }

    void write(Path directory) {
      JsonObject root = new JsonObject();
      root.addProperty("format", FORMAT);
      root.addProperty("attempt", attempt);
      root.addProperty("host", host);
      root.addProperty("process", process);
      root.addProperty("since", since.toString());
      root.addProperty("state", held ? HELD : RELEASED);
      AtomicFile.write(directory.resolve(FILE), JsonText.print(root));
    }

    Claim released() {
      return new Claim(attempt, host, process, since, false);
    }

    /** As in {@code process 12 on host a since 2026-01-31T12:00:00Z (attempt 3)}. */
    @Override
    public String toString() {
      return String.format(
          Locale.ROOT,
          "process %d on host %s since %s (attempt %d)",
          process,
          host,
          since,
          attempt);
    }
  }
}
