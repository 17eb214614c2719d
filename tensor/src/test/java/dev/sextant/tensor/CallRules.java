package dev.sextant.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What no class of the modules on the class path may call; a test of theirs extends it. */
public abstract class CallRules {
  /** Opening a file for writing. */
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
          // Reads, and maps for reading.
          "dev.sextant.nas.data.pack.Pack",
          // Writes a picture, into memory.
          "dev.sextant.nas.search.EvaluationFile",
          // A library unpacked into a fresh folder before the CUDA driver is there; replaces
          // nothing.
          "dev.sextant.kernels.natives.JCudaLoader");

  /** Text as the machine's locale has it. */
  private static final Pattern LOCALIZED =
      Pattern.compile(
          "java/lang/String\\.(formatted\\(.*|format\\(Ljava/lang/String;.*|to(Low|Upp)erCase\\(\\).*)"
              + "|java/io/(PrintStream|PrintWriter|Console)\\.(printf|format)\\(Ljava/lang/String;.*"
              + "|java/util/Formatter\\.<init>\\((?!.*Ljava/util/Locale;).*"
              + "|java/util/Locale\\.getDefault\\(.*|java/util/Scanner\\.<init>.*"
              + "|java/text/(NumberFormat|DecimalFormat|DecimalFormatSymbols|MessageFormat|SimpleDateFormat"
              + "|DateFormat|Collator)\\.(?!.*Ljava/util/Locale;).*"
              + "|java/time/format/DateTimeFormatter\\.(ofPattern\\(Ljava/lang/String;\\)|ofLocalized).*");

  /** A file is the old one or the new, whatever happens while it is written. */
  @Test
  protected void onlyFileOutputOpensFilesForWriting() {
    TreeSet<String> opening = new TreeSet<>();
    for (CallScan.Call call : CallScan.calls(OPENS.asMatchPredicate())) {
      opening.add(call.from());
    }
    assertTrue(opening.contains("dev.sextant.runtime.FileOutput"), "the scan sees nothing");
    opening.removeAll(ALLOWED);
    assertEquals(List.of(), List.copyOf(opening), "use AtomicFile or FileOutput");
  }

  /**
   * Digests, keys, kernels, files and names would differ from one country to another, and numbers
   * on the screen would mix two ways to write them.
   */
  @Test
  protected void noTextDependsOnTheLocale() {
    assertFalse(
        CallScan.calls(to -> to.startsWith("java/lang/String.format(Ljava/util/Locale;")).isEmpty(),
        "the scan sees nothing");
    TreeSet<String> found = new TreeSet<>();
    for (CallScan.Call call : CallScan.calls(LOCALIZED.asMatchPredicate())) {
      found.add(call.from() + " calls " + call.to());
    }
    assertEquals(List.of(), List.copyOf(found), "give Locale.ROOT");
  }
}
