package dev.sextant.kernels.standin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sextant.kernels.natives.CudaLibraries;
import dev.sextant.kernels.natives.CudaSettings;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The engine through JCuda's own native code, on stand-ins for NVIDIA's libraries that are compiled
 * here from {@code src/test/c}. A JVM has its libraries for good: each machine has one of its own.
 */
@Tag("long")
class StandInTest {
  private static final Path SOURCES =
      Path.of(System.getProperty("basedir", "."), "src", "test", "c").toAbsolutePath();
  private static final String PACKAGE = StandInTest.class.getPackageName();

  /** After which a process is stuck: a stand-in waits for what never comes. */
  private static final int MINUTES = 10;

  /** Lines of a process that an error shows. */
  private static final int LINES = 200;

  @TempDir private static Path root;

  @BeforeAll
  static void thereIsACompiler() throws Exception {
    assumeTrue(
        System.getProperty("os.name").equals("Linux")
            && System.getProperty("os.arch").equals("amd64"),
        "JCuda's native code is for Linux on x86-64");
    boolean found =
        Arrays.stream(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
            .anyMatch(folder -> Files.isExecutable(Path.of(folder, "cc")));
    assumeTrue(found, "no C compiler (cc) on the PATH to build the stand-ins with");
    Path probe = root.resolve("libprobe.so.1");
    List<String> headers =
        List.of("-DPART=probe", "-include", "pthread.h", "-include", "stdio.h", "-ldl");
    Ran ran = start(compiler(probe, headers, "part.c"));
    assumeTrue(ran.status == 0, "cc builds no libraries here: " + ran.output);
  }

  /** As PyTorch's wheels for CUDA 13 lie in a Python that is on the path: nothing is set. */
  @Test
  void aMachineWithCuda13AndAPython() throws Exception {
    CudaLibraries own = CudaLibraries.find();
    assumeTrue(
        own.equals(new CudaLibraries(Optional.empty(), Optional.empty(), Optional.empty())),
        "this machine has NVIDIA's libraries, which would be found first");
    Path system = Files.createDirectories(root.resolve("system"));
    Path python = Files.createDirectories(root.resolve("env/bin")).resolve("python3");
    Path wheels = root.resolve("env/lib/python3.12/site-packages/nvidia");
    Files.createFile(python);
    driver(system);
    cublas(system, Files.createDirectories(wheels.resolve("cu13/lib")), 13);
    cudnn(system, Files.createDirectories(wheels.resolve("cudnn/lib")));
    run(
        system,
        Map.of(
            "LD_LIBRARY_PATH",
            system.toString(),
            "PATH",
            python.getParent() + File.pathSeparator + System.getenv("PATH")),
        List.of("-Dsextant.check.device=cuda"),
        PACKAGE + ".DeviceCases",
        "dev.sextant.tensor.OpenedDeviceContract",
        // Kernels alone, many of them; the interpreter has run them in the other tests.
        "-convolutionsBetweenNorms",
        "-depthwiseConvolution",
        "-pooling");
  }

  @Test
  void aMachineWithCuda12InAFolder() throws Exception {
    Path folder = Files.createDirectories(root.resolve("cuda-12"));
    driver(folder);
    cublas(folder, folder, 12);
    cudnn(folder, folder);
    run(
        folder,
        Map.of(),
        List.of("-D" + CudaSettings.TF32_PROPERTY + "=true"),
        PACKAGE + ".OlderDeviceCases");
  }

  @Test
  void aMachineWithADriverAlone() throws Exception {
    Path folder = Files.createDirectories(root.resolve("driver"));
    driver(folder);
    run(folder, Map.of(), List.of(), PACKAGE + ".NoLibraryCases");
  }

  private static void driver(Path folder) throws Exception {
    compile(folder.resolve("libcuda.so.1"), List.of(), "cuda.c", "streams.c", "device.c");
  }

  private static void cublas(Path driver, Path folder, int major) throws Exception {
    Path half = folder.resolve("libcublasLt.so." + major);
    compile(half, List.of("-DPART=standin_lt"), "part.c");
    compile(
        folder.resolve("libcublas.so." + major),
        List.of("-DVERSION=" + major, half.toString(), driver.resolve("libcuda.so.1").toString()),
        "cublas.c");
  }

  /** The parts need each other, and nothing says that they lie in one folder. */
  private static void cudnn(Path driver, Path folder) throws Exception {
    List<String> needs = new ArrayList<>(List.of("-DPART=standin_part", "-Wl,--no-as-needed"));
    for (String part : List.of("graph", "ops", "cnn", "heuristic")) {
      Path library = folder.resolve("libcudnn_" + part + ".so.9");
      compile(library, needs, "part.c");
      needs.add(library.toString());
    }
    compile(
        folder.resolve("libcudnn.so.9"),
        List.of(driver.resolve("libcuda.so.1").toString(), "-ldl"),
        "cudnn.c");
  }

  /** NVIDIA's libraries carry one symbol version, which has the library's own name. */
  private static void compile(Path library, List<String> options, String... sources)
      throws Exception {
    check(compiler(library, options, sources));
  }

  private static ProcessBuilder compiler(Path library, List<String> options, String... sources) {
    List<String> command =
        new ArrayList<>(List.of("cc", "-std=c11", "-Wall", "-Wextra", "-O1", "-fPIC", "-shared"));
    command.addAll(
        List.of(
            "-fvisibility=hidden",
            "-Wl,-z,defs",
            "-Wl,--default-symver",
            "-Wl,-soname," + library.getFileName()));
    command.addAll(List.of("-o", library.toString()));
    command.addAll(List.of(sources));
    command.addAll(options);
    command.add("-lpthread");
    return new ProcessBuilder(command).directory(SOURCES.toFile());
  }

  private static void run(
      Path driver, Map<String, String> environment, List<String> options, String... arguments)
      throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-ea",
                "-Xmx1g",
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED"));
    command.addAll(options);
    if (environment.isEmpty()) {
      command.add("-D" + CudaLibraries.PATH_PROPERTY + "=" + driver);
    }
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(StandInMain.class.getName(), driver.toString()));
    command.addAll(List.of(arguments));
    ProcessBuilder process = new ProcessBuilder(command);
    process.environment().putAll(environment);
    check(process);
  }

  private static void check(ProcessBuilder builder) throws IOException, InterruptedException {
    Ran ran = start(builder);
    assertEquals(0, ran.status, () -> ran.output + "\n" + builder.command());
    if (!ran.output.isEmpty()) {
      System.out.println("stand-in: " + ran.output.lines().toList().getLast());
    }
  }

  /** How a process ended, and the first of what it printed. */
  private record Ran(int status, String output) {}

  private static Ran start(ProcessBuilder builder) throws IOException, InterruptedException {
    Path output = Files.createTempFile(root, "output", ".txt");
    Process process = builder.redirectErrorStream(true).redirectOutput(output.toFile()).start();
    boolean ended = process.waitFor(MINUTES, TimeUnit.MINUTES);
    if (!ended) {
      process.destroyForcibly().waitFor();
    }
    List<String> lines = Files.readAllLines(output);
    int shown = Math.min(lines.size(), LINES);
    String text = String.join("\n", lines.subList(0, shown));
    return ended
        ? new Ran(process.exitValue(), text)
        : new Ran(-1, "still running after %d minutes\n%s".formatted(MINUTES, text));
  }
}
