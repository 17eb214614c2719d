package dev.sextant.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.kernels.ptx.KernelSource;
import java.io.IOException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import jcuda.nvptxcompiler.JNvPTXCompiler;
import jcuda.nvptxcompiler.nvPTXCompilerHandle;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/**
 * NVIDIA's own assembler takes every kernel of the catalogue for three generations of GPUs, without
 * a register spilled to memory.
 *
 * <p>{@code src/test/ptx/registers.txt} says of each text, by its digest, how many registers it
 * takes. That is 900 assemblies, so those of texts that stand there are not made again, but for
 * every sixteenth, and for all of them with {@code -Dsextant.ptx=all} or another assembler. What
 * was found is written to {@code target/ptx-registers.txt} and must be what stands there.
 */
@Tag("long")
@EnabledOnOs(
    value = OS.LINUX,
    architectures = "amd64",
    disabledReason = "NVIDIA's PTX assembler comes with JCuda, for Linux on x86-64 alone")
class PtxCompilerTest {
  private static final List<Integer> ARCHITECTURES = List.of(70, 80, 90);

  /** Columns of a row that its kernel's name takes. */
  private static final int NAME = 72;

  private static final Pattern SPILLS =
      Pattern.compile("(\\d+) bytes stack frame, (\\d+) bytes spill stores, (\\d+) bytes spill");
  private static final Pattern REGISTERS = Pattern.compile("Used (\\d+) registers");

  private static final Path TABLE =
      Path.of(System.getProperty("basedir", "."), "src", "test", "ptx", "registers.txt");
  private static final boolean ALL = System.getProperty("sextant.ptx", "").equals("all");

  /** One kernel's registers on each architecture, and where it spilled. */
  private record Report(String name, List<String> registers, List<Integer> spilled, String digest) {
    String row() {
      return String.format(Locale.ROOT, "%-" + NAME + "s", name)
          + registers.stream()
              .map(count -> String.format(Locale.ROOT, "%8s", count))
              .collect(Collectors.joining())
          + "  "
          + digest;
    }
  }

  @Test
  void everyKernelAssemblesWithoutSpills() throws IOException {
    List<KernelSource> sources = KernelCatalogue.all();
    assertEquals(
        sources.size(), sources.stream().map(KernelSource::name).distinct().count(), "names");
    URL jar = JNvPTXCompiler.class.getProtectionDomain().getCodeSource().getLocation();
    String header =
        String.format(
            Locale.ROOT,
            "%-" + NAME + "s%8s%8s%8s  of the text",
            "registers, by the assembler of " + jar.getPath().replaceFirst(".*/", ""),
            "sm_70",
            "sm_80",
            "sm_90");
    List<String> lines = Files.isRegularFile(TABLE) ? Files.readAllLines(TABLE) : List.of();
    Map<String, String> known =
        ALL || lines.isEmpty() || !lines.getFirst().equals(header)
            ? Map.of()
            : lines.stream()
                .skip(1)
                .collect(
                    Collectors.toMap(row -> row.substring(row.lastIndexOf(' ') + 1), row -> row));
    List<Report> reports = sources.parallelStream().map(source -> report(source, known)).toList();
    List<String> table = new ArrayList<>(List.of(header));
    reports.forEach(report -> table.add(report.row()));
    Path found = Files.createDirectories(Path.of("target")).resolve("ptx-registers.txt");
    Files.write(found, table);
    System.out.printf(
        Locale.ROOT,
        "PTX: %d kernels of %d families assembled for %d architectures, %d to %d registers%n",
        sources.size(),
        sources.stream().map(source -> source.getClass().getSimpleName()).distinct().count(),
        ARCHITECTURES.size(),
        reports.stream()
            .flatMap(r -> r.registers.stream())
            .mapToInt(Integer::parseInt)
            .min()
            .orElse(0),
        reports.stream()
            .flatMap(r -> r.registers.stream())
            .mapToInt(Integer::parseInt)
            .max()
            .orElse(0));
    assertEquals(List.of(), reports.stream().filter(r -> !r.spilled.isEmpty()).toList());
    assertEquals(table, lines, () -> "copy " + found.toAbsolutePath() + " to " + TABLE);
  }

  private static Report report(KernelSource source, Map<String, String> known) {
    String text = source.assemble().text();
    String digest = digest(text);
    String row = known.get(digest);
    if (row != null && !digest.startsWith("0")) {
      return new Report(
          source.name(),
          List.of(row.substring(NAME, row.lastIndexOf(' ')).strip().split(" +")),
          List.of(),
          digest);
    }
    List<String> counts = new ArrayList<>();
    List<Integer> spilled = new ArrayList<>();
    for (int architecture : ARCHITECTURES) {
      String log = assemble(source.name(), text, architecture);
      Matcher spills = SPILLS.matcher(log);
      Matcher registers = REGISTERS.matcher(log);
      assertTrue(spills.find() && registers.find(), log);
      if (!spills.group(2).equals("0") || !spills.group(3).equals("0")) {
        spilled.add(architecture);
      }
      counts.add(registers.group(1));
    }
    return new Report(source.name(), counts, spilled, digest);
  }

  private static String digest(String text) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest, 0, 12);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  /** The assembler's report; fails with its errors. */
  private static String assemble(String name, String text, int architecture) {
    byte[] ptx = (text + "\0").getBytes(StandardCharsets.UTF_8);
    nvPTXCompilerHandle compiler = new nvPTXCompilerHandle();
    JNvPTXCompiler.nvPTXCompilerCreate(compiler, ptx.length, ptx);
    try {
      String[] options = {"--gpu-name=sm_" + architecture, "--verbose"};
      int result = JNvPTXCompiler.nvPTXCompilerCompile(compiler, options.length, options);
      long[] size = new long[1];
      if (result != 0) {
        JNvPTXCompiler.nvPTXCompilerGetErrorLogSize(compiler, size);
        byte[] log = new byte[(int) size[0] + 1];
        JNvPTXCompiler.nvPTXCompilerGetErrorLog(compiler, log);
        throw new AssertionError(name + ": " + new String(log, StandardCharsets.UTF_8) + text);
      }
      JNvPTXCompiler.nvPTXCompilerGetInfoLogSize(compiler, size);
      byte[] log = new byte[(int) size[0] + 1];
      JNvPTXCompiler.nvPTXCompilerGetInfoLog(compiler, log);
      return new String(log, StandardCharsets.UTF_8);
    } finally {
      JNvPTXCompiler.nvPTXCompilerDestroy(compiler);
    }
  }
}
