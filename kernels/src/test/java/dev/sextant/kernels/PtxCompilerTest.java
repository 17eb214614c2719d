package dev.sextant.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.kernels.ptx.KernelSource;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import jcuda.nvptxcompiler.JNvPTXCompiler;
import jcuda.nvptxcompiler.nvPTXCompilerHandle;
import org.junit.jupiter.api.Test;

/**
 * NVIDIA's own assembler takes every kernel of the catalogue for three generations of GPUs, without
 * a register spilled to memory. Writes the table of registers to {@code target/ptx-registers.txt}.
 */
class PtxCompilerTest {
  private static final List<Integer> ARCHITECTURES = List.of(70, 80, 90);
  private static final Pattern SPILLS =
      Pattern.compile("(\\d+) bytes stack frame, (\\d+) bytes spill stores, (\\d+) bytes spill");
  private static final Pattern REGISTERS = Pattern.compile("Used (\\d+) registers");

  @Test
  void everyKernelAssemblesWithoutSpills() throws IOException {
    Set<String> names = new HashSet<>();
    StringBuilder table =
        new StringBuilder("%-64s%8s%8s%8s%n".formatted("registers", "sm_70", "sm_80", "sm_90"));
    StringBuilder spilled = new StringBuilder();
    for (KernelSource source : KernelCatalogue.all()) {
      assertTrue(names.add(source.name()), () -> "two kernels " + source.name());
      String text = source.assemble().text();
      table.append("%-64s".formatted(source.name()));
      for (int architecture : ARCHITECTURES) {
        String log = assemble(source.name(), text, architecture);
        Matcher spills = SPILLS.matcher(log);
        Matcher registers = REGISTERS.matcher(log);
        assertTrue(spills.find() && registers.find(), log);
        if (!spills.group(2).equals("0") || !spills.group(3).equals("0")) {
          spilled.append(source.name()).append(" sm_").append(architecture).append('\n');
        }
        table.append("%8s".formatted(registers.group(1)));
      }
      table.append(System.lineSeparator());
    }
    Files.createDirectories(Path.of("target"));
    Files.writeString(Path.of("target/ptx-registers.txt"), table);
    assertEquals("", spilled.toString());
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
