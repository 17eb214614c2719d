package dev.sextant.tensor.internal.cpu.vector;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The kernels that the build makes from {@code src/main/templates} and the table of tile sizes. */
@Tag("vectors")
@Tag("long")
class KernelTemplatesTest {
  private static final Path TEMPLATES = Path.of("src/main/templates");
  private static final Path GENERATED = Path.of("target/generated-sources/kernels");

  /**
   * The code of each class, comments and white space apart: SHA-256, its first 16 digits. The
   * kernels that were once kept by hand have those of the text that was there. Where the table or a
   * template is changed on purpose, compare {@code target/generated-sources} before and after, and
   * put what the test found here.
   */
  private static final Map<String, String> CODE =
      Map.ofEntries(
          Map.entry("BatchNormSums", "a8447bba9bb4eb08"),
          Map.entry("CalibrationPass256", "decc101f5aebf474"),
          Map.entry("CalibrationPass512", "6b1de908ef0c8c7f"),
          Map.entry("DepthwiseFilterRow", "82d9b25cf7f5cd79"),
          Map.entry("DepthwiseFilterThreeRows", "53c1f45dbf4f1120"),
          Map.entry("DepthwiseImageRowStride1", "b764a2c8f21db99c"),
          Map.entry("DepthwiseImageRowStride2", "48b74f4a2980bb59"),
          Map.entry("DepthwiseRow", "0bff5d789104680d"),
          Map.entry("DepthwiseRowAnyTaps", "011448d7ec9fdc99"),
          Map.entry("DepthwiseRowStride1", "f7085c9e01bbf9e4"),
          Map.entry("DepthwiseRowStride2", "951c7a1761bab9f8"),
          Map.entry("GemmTile", "dbbd494f82234e31"),
          Map.entry("GemmTiles1", "e3cd619002c60b28"),
          Map.entry("GemmTiles2", "fd8180389075b9c2"),
          Map.entry("GemmTiles3", "78e942a2b66cfaa6"),
          Map.entry("PatchTile", "fff86a0d9a96a629"),
          Map.entry("PatchTiles1", "4671e146a6012d41"),
          Map.entry("PatchTiles2", "718cf9dc82ecfe79"),
          Map.entry("PatchTiles3", "72280deebf1b85db"));

  @TempDir Path folder;

  @Test
  void codeIsWhatItWas() throws IOException, NoSuchAlgorithmException {
    Map<String, String> code = new TreeMap<>();
    for (Path file : list(GENERATED)) {
      String text =
          Files.readString(file)
              .replaceAll("(?s)/\\*.*?\\*/|//[^\n]*", "")
              .replaceAll("(?m)^(package|import) .*$", "")
              .replaceAll("\\s", "");
      byte[] hash =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      code.put(
          file.getFileName().toString().replace(".java", ""),
          HexFormat.of().formatHex(hash).substring(0, 16));
    }
    assertEquals(new TreeMap<>(CODE), code);
  }

  /** A tile of three rows and two vectors is one number in the table. */
  @Test
  void anotherTileIsAnotherNumberInTheTable() throws Exception {
    String was = Files.readString(table());
    String table = was.replace("rows(4, 2, 1), rows(4, 2, 1)", "rows(3, 2, 1), rows(4, 2, 1)");
    assertEquals("", generate(table));
    assertTrue(
        Files.readString(find(folder, "GemmTile.java")).contains("GemmTiles2.rows3("), "dispatch");
    Method tile = compiled("GemmTiles2").getDeclaredMethod("rows3", tileParameters());
    tile.setAccessible(true);
    float[] a = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    float[] b = new float[4 * 8];
    float[] c = new float[3 * 8];
    float[] expected = new float[3 * 8];
    for (int i = 0; i < b.length; i++) {
      b[i] = i % 7 - 3;
    }
    for (int row = 0; row < 3; row++) {
      for (int column = 0; column < 8; column++) {
        expected[row * 8 + column] = 1;
        for (int p = 0; p < 4; p++) {
          expected[row * 8 + column] += a[row * 4 + p] * b[p * 8 + column];
        }
      }
    }
    Arrays.fill(c, 1);
    tile.invoke(null, a, 0, 4, 1, b, 0, 8, 4, c, 0, 8, c, 0, 8);
    assertArrayEquals(expected, c);
  }

  @Test
  void aTileThatDoesNotFitIsRefused() throws IOException, InterruptedException {
    String table = Files.readString(table()).replace("rows(9, 8", "rows(11, 8");
    assertTrue(
        generate(table)
            .contains("GEMM tile of 11 x 3 needs 37 vectors, and there are 32 registers"));
  }

  @Test
  void anErrorNamesTheTemplatesLine() throws IOException, InterruptedException {
    Path templates = Files.createDirectory(folder.resolve("templates"));
    Files.writeString(
        templates.resolve("Wrong.java.tmpl"), "package a;\n\nclass ${nothing} {\n}\n");
    String output = generate(templates, Files.readString(table()));
    assertTrue(output.contains("WrongTemplate.java:3: error: cannot find symbol"), output);
  }

  private static Path table() throws IOException {
    return find(Path.of("src/main/java"), "KernelTable.java");
  }

  private String generate(String table) throws IOException, InterruptedException {
    return generate(TEMPLATES, table);
  }

  /** Runs the generator with another table; what it prints. */
  private String generate(Path templates, String table) throws IOException, InterruptedException {
    Path file = folder.resolve("KernelTable.java");
    Files.writeString(file, table);
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                TEMPLATES.resolve("Generate.java").toString(),
                templates.toString(),
                file.toString(),
                folder.resolve("classes").toString(),
                folder.resolve("sources").toString())
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(output.isEmpty() ? 0 : 1, process.waitFor(), output);
    return output;
  }

  /** A generated class, with nothing of this program's but the species in vectors of 128 bits. */
  private Class<?> compiled(String name) throws IOException, ClassNotFoundException {
    Path source = find(folder, name + ".java");
    Path home = folder.resolve("sources").relativize(source.getParent());
    Path species = folder.resolve("VectorWidth.java");
    Files.writeString(
        species,
        """
        package %s;
        public final class VectorWidth {
          public static final jdk.incubator.vector.VectorSpecies<Float> SPECIES =
              jdk.incubator.vector.FloatVector.SPECIES_128;
        }
        """
            .formatted(VectorWidth.class.getPackageName()));
    Path classes = Files.createDirectory(folder.resolve("compiled"));
    ByteArrayOutputStream output = new ByteArrayOutputStream();
    int exit =
        ToolProvider.getSystemJavaCompiler()
            .run(
                null,
                output,
                output,
                "--add-modules=jdk.incubator.vector",
                "-d",
                classes.toString(),
                species.toString(),
                source.toString());
    assertEquals(0, exit, output::toString);
    URL[] path = {classes.toUri().toURL()};
    try (URLClassLoader loader = new URLClassLoader(path, ClassLoader.getPlatformClassLoader())) {
      return Class.forName(
          home.toString().replace(File.separatorChar, '.') + "." + name, true, loader);
    }
  }

  private static Class<?>[] tileParameters() {
    return Stream.of("a", "", "", "", "b", "", "", "", "s", "", "", "c", "", "")
        .map(array -> array.isEmpty() ? int.class : float[].class)
        .toArray(Class<?>[]::new);
  }

  private static Path find(Path folder, String name) throws IOException {
    return list(folder).stream().filter(file -> file.endsWith(name)).findFirst().orElseThrow();
  }

  private static List<Path> list(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(file -> file.toString().endsWith(".java")).toList();
    }
  }
}
