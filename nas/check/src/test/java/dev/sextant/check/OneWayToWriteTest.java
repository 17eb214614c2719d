package dev.sextant.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.tensor.CallScan;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** No class of any module opens a file for writing but those that write it whole. */
class OneWayToWriteTest {
  private static final Pattern OPENS =
      Pattern.compile(
          "java/nio/file/Files\\.(write|writeString|newOutputStream|newBufferedWriter|copy)\\(.*"
              + "|java/nio/channels/(Asynchronous)?FileChannel\\.open\\(.*"
              + "|java/nio/file/spi/FileSystemProvider\\.new(Output|File|Asyn).*"
              + "|java/io/(FileOutputStream|FileWriter|RandomAccessFile)\\.<init>.*"
              + "|java/io/Print(Writer|Stream)\\.<init>\\(Ljava/(io/File|lang/String);.*"
              + "|java/util/Formatter\\.<init>\\(Ljava/(io/File|lang/String);.*"
              + "|javax/imageio/ImageIO\\.write.*");

  /** {@code FileChannel.open} also opens for reading: only these do. */
  private static final List<String> ALLOWED =
      List.of(
          // The one way.
          "dev.sextant.runtime.FileOutput",
          // Opens a dead writer's file to see whether its lock is free.
          "dev.sextant.runtime.Temporaries",
          // Opens directories to force a rename.
          "dev.sextant.runtime.AtomicFile",
          // Reads.
          "dev.sextant.runtime.Safetensors",
          // A library unpacked into a fresh folder before the CUDA driver is there; replaces
          // nothing.
          "dev.sextant.kernels.natives.JCudaLoader");

  @Test
  void onlyFileOutputOpensFilesForWriting() {
    TreeSet<String> opening = new TreeSet<>();
    for (CallScan.Call call : CallScan.calls(OPENS.asMatchPredicate())) {
      opening.add(call.from());
    }
    assertTrue(
        opening.contains("dev.sextant.kernels.natives.JCudaLoader"), "the scan sees nothing");
    opening.removeAll(ALLOWED);
    assertEquals(List.of(), List.copyOf(opening), "use AtomicFile or FileOutput");
  }
}
