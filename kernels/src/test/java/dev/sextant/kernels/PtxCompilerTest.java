package dev.sextant.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.kernels.ptx.KernelSource;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import jcuda.nvptxcompiler.JNvPTXCompiler;
import jcuda.nvptxcompiler.nvPTXCompilerHandle;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/**
 * NVIDIA's own assembler takes every kernel of the catalogue for three generations of GPUs, without
 * a register spilled to memory. Writes the table of registers to {@code target/ptx-registers.txt}.
 */
@Tag("long")
@EnabledOnOs(
    value = OS.LINUX,
    architectures = "amd64",
    disabledReason = "NVIDIA's PTX assembler comes with JCuda, for Linux on x86-64 alone")
class PtxCompilerTest {
  private static final List<Integer> ARCHITECTURES = List.of(70, 80, 90);
  private static final Pattern SPILLS =
      Pattern.compile("(\\d+) bytes stack frame, (\\d+) bytes spill stores, (\\d+) bytes spill");
  private static final Pattern REGISTERS = Pattern.compile("Used (\\d+) registers");

  /** One kernel's registers on each architecture, and where it spilled. */
  private record Report(String name, List<String> registers, List<Integer> spilled) {}

  @Test
  void everyKernelAssemblesWithoutSpills() throws IOException {
    List<KernelSource> sources = KernelCatalogue.all();
    assertEquals(
        sources.size(), sources.stream().map(KernelSource::name).distinct().count(), "names");
    List<Report> reports = sources.parallelStream().map(PtxCompilerTest::report).toList();
    StringBuilder table =
        new StringBuilder(
            String.format(Locale.ROOT, "%-72s%8s%8s%8s\n", "registers", "sm_70", "sm_80", "sm_90"));
    for (Report report : reports) {
      table.append(String.format(Locale.ROOT, "%-72s", report.name));
      report.registers.forEach(count -> table.append(String.format(Locale.ROOT, "%8s", count)));
      table.append('\n');
    }
    Files.createDirectories(Path.of("target"));
    Files.writeString(Path.of("target/ptx-registers.txt"), table);
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
  }

  private static Report report(KernelSource source) {
    String text = source.assemble().text();
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
    return new Report(source.name(), counts, spilled);
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
