package dev.sextant.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("machine-text")
class AtomicFileTest {
  @TempDir private Path folder;

  private List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void aDiskThatTakesLittleAtATimeGetsAll() throws IOException {
    for (int atATime : new int[] {1, 3, 7}) {
      FullDisk disk = new FullDisk(folder, Long.MAX_VALUE, atATime);
      AtomicFile.write(disk.path(folder.resolve("text")), "0123456789");
      assertEquals("0123456789", Files.readString(folder.resolve("text")));
      try (FileOutput log = FileOutput.append(disk.path(folder.resolve("log")), 0)) {
        log.write(ByteBuffer.wrap("one\n".getBytes()));
        assertEquals(4, log.force());
      }
      try (FileOutput log = FileOutput.append(disk.path(folder.resolve("log")), 3)) {
        log.write(ByteBuffer.wrap(" and two\n".getBytes()));
      }
      assertEquals("one and two\n", Files.readString(folder.resolve("log")));
    }
    assertEquals(List.of("log", "text"), names());
  }

  /** Whatever fits on the disk, a file is the old one, with an error that names it, or the new. */
  @Test
  void aFullDiskLeavesTheOldFile() throws IOException {
    SequencedMap<String, Weights.Entry> entries = new LinkedHashMap<>();
    entries.put("w", new Weights.Entry(Shape.of(2, 3), new float[] {1, 2, 3, 4, 5, 6}));
    Weights weights = new Weights(entries, new LinkedHashMap<>());
    Path file = folder.resolve("weights.safetensors");
    weights.write(file);
    byte[] old = Files.readAllBytes(file);
    FullDisk disk = new FullDisk(folder, Long.MAX_VALUE, 64);
    weights.write(disk.path(file));
    long whole = disk.written();
    for (long room = 0; room < whole; room++) {
      disk.room(room);
      String message =
          assertThrows(SextantException.class, () -> weights.write(disk.path(file))).getMessage();
      assertEquals(file + ": cannot be written (No space left on device)", message);
      assertTrue(Arrays.equals(old, Files.readAllBytes(file)), "room " + room);
      assertEquals(List.of("weights.safetensors"), names());
    }
    disk.room(whole);
    weights.write(disk.path(file));
    assertEquals(6, Weights.read(file).get("w").values().length);
  }

  @Test
  void whatIsNoPlainFileIsNotReplaced() throws Exception {
    String message =
        assertThrows(SextantException.class, () -> AtomicFile.write(folder, "x")).getMessage();
    assertTrue(message.endsWith("it is a directory"), message);
    if (!System.getProperty("os.name").startsWith("Windows")) {
      Path device = Path.of("/dev/null");
      message =
          assertThrows(SextantException.class, () -> AtomicFile.write(device, "x")).getMessage();
      assertEquals("/dev/null: cannot be written, it is no plain file", message);
    }
  }

  /** Another process writes, is left alone while it lives, and is cleared away once it is dead. */
  @Test
  void whatAKilledWriterLeftIsSwept() throws Exception {
    Path file = folder.resolve("table.json");
    Process writer =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                Stuck.class.getName(),
                file.toString())
            .redirectErrorStream(true)
            .start();
    try {
      assertEquals("writing", writer.inputReader().readLine());
      AtomicFile.write(file, "good");
      assertEquals(2, names().size(), "a live writer's file was taken: " + names());
      writer.destroyForcibly();
      assertTrue(writer.waitFor(10, TimeUnit.SECONDS));
      // Names that are like ours but not of this file stay.
      Files.createFile(folder.resolve(".other.json.0123456789abcdef-1.tmp"));
      Files.createFile(folder.resolve(".table.json.mine.tmp"));
      AtomicFile.write(file, "better");
    } finally {
      writer.destroyForcibly();
    }
    assertEquals("better", Files.readString(file));
    assertEquals(
        List.of(".other.json.0123456789abcdef-1.tmp", ".table.json.mine.tmp", "table.json"),
        names());
  }

  /** A process that never comes to the end of a file. */
  static final class Stuck {
    private Stuck() {}

    public static void main(String[] arguments) {
      AtomicFile.write(
          Path.of(arguments[0]),
          out -> {
            out.write(ByteBuffer.wrap(new byte[100]));
            System.out.println("writing");
            try {
              Thread.sleep(60_000);
            } catch (InterruptedException e) {
              throw new IOException(e);
            }
          });
    }
  }
}
