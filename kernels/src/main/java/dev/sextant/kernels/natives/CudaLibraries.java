package dev.sextant.kernels.natives;

import dev.sextant.tensor.SextantException;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * NVIDIA's libraries on this machine: the driver, cuBLAS of CUDA 12 or 13, cuDNN 9. Looked for in
 * the folders of the property {@code sextant.cuda.path}, then of {@code LD_LIBRARY_PATH}, then
 * where distributions, CUDA's installers and Python wheels put them, those of each Python on the
 * {@code PATH} included. Nothing is loaded or downloaded.
 *
 * @param driver {@code libcuda.so.1}
 * @param cublas {@code libcublas.so.12}, or {@code .13} where only that is there
 * @param cudnn {@code libcudnn.so.9}
 */
public record CudaLibraries(Optional<Path> driver, Optional<Path> cublas, Optional<Path> cudnn) {
  /** Names folders to look in first, separated as a class path is. */
  public static final String PATH_PROPERTY = "sextant.cuda.path";

  private static final List<String> FOLDERS =
      List.of(
          "/usr/local/cuda/lib64",
          "/usr/local/cuda*/lib64",
          "/usr/local/cuda*/targets/x86_64-linux/lib",
          "/usr/local/nvidia/lib64",
          "/usr/lib/x86_64-linux-gnu",
          "/usr/lib64",
          "/usr/lib",
          "/usr/lib/wsl/lib",
          "/opt/cuda/lib64",
          "/usr/lib/python3*/dist-packages/nvidia/*/lib",
          "/usr/lib/python3*/site-packages/nvidia/*/lib",
          "/usr/local/lib/python3*/dist-packages/nvidia/*/lib",
          "/usr/local/lib/python3*/site-packages/nvidia/*/lib",
          "/opt/*/lib/python3*/site-packages/nvidia/*/lib",
          "/opt/*/.venv/lib/python3*/site-packages/nvidia/*/lib");

  /** Looks for them now. */
  public static CudaLibraries find() {
    return find(System.getProperty(PATH_PROPERTY, ""), System.getenv(), Path.of("/"));
  }

  /**
   * Looks for them.
   *
   * @param path folders to look in first
   * @param root what stands for {@code /} in the usual folders
   */
  static CudaLibraries find(String path, Map<String, String> environment, Path root) {
    List<Path> folders = new ArrayList<>();
    for (String list : List.of(path, environment.getOrDefault("LD_LIBRARY_PATH", ""))) {
      for (String folder : list.split(File.pathSeparator)) {
        if (!folder.isBlank()) {
          folders.add(Path.of(folder));
        }
      }
    }
    for (String pattern : FOLDERS) {
      folders.addAll(matching(root, pattern));
    }
    for (String folder : environment.getOrDefault("PATH", "").split(File.pathSeparator)) {
      Path python = Path.of(folder, "python3").toAbsolutePath();
      if (Files.exists(python)) {
        folders.addAll(wheels(python));
        folders.addAll(wheels(real(python)));
      }
    }
    return new CudaLibraries(
        first(folders, "libcuda.so.1"),
        first(folders, "libcublas.so.12", "libcublas.so.13"),
        first(folders, "libcudnn.so.9"));
  }

  /** Where the wheels of a Python put libraries. */
  private static List<Path> wheels(Path python) {
    Path prefix = python.resolve("../..").normalize();
    return matching(prefix, "/lib/python3*/site-packages/nvidia/*/lib");
  }

  /** What a link stands for: one in a usual folder may lead to a Python of its own folder. */
  private static Path real(Path file) {
    try {
      return file.toRealPath();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The folders that a pattern stands for, in the order of their names, newest first. */
  private static List<Path> matching(Path root, String pattern) {
    List<Path> found = List.of(root);
    for (String name : pattern.substring(1).split("/")) {
      List<Path> next = new ArrayList<>();
      for (Path folder : found) {
        if (!name.contains("*")) {
          next.add(folder.resolve(name));
          continue;
        }
        String regex = name.replace(".", "\\.").replace("*", ".*");
        try (Stream<Path> entries =
            Files.isDirectory(folder) && Files.isReadable(folder)
                ? Files.list(folder)
                : Stream.of()) {
          entries
              .filter(entry -> entry.getFileName().toString().matches(regex))
              .sorted((a, b) -> b.compareTo(a))
              .forEach(next::add);
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }
      found = next;
    }
    return found.stream().filter(Files::isDirectory).toList();
  }

  private static Optional<Path> first(List<Path> folders, String... names) {
    for (String name : names) {
      for (Path folder : folders) {
        Path file = folder.resolve(name);
        if (Files.isRegularFile(file)) {
          return Optional.of(file);
        }
      }
    }
    return Optional.empty();
  }

  /** The major version of cuBLAS: 12 or 13; 12, which JCuda asks for, if it is not there. */
  public int cublasMajor() {
    return cublas.filter(file -> file.toString().endsWith(".13")).isPresent() ? 13 : 12;
  }

  /**
   * Checks that a driver can serve the libraries found.
   *
   * @param version as the driver gives it: 12040 for CUDA 12.4
   * @throws SextantException that says which driver is needed
   */
  public void checkDriver(int version) {
    int needed = cublas.isPresent() ? cublasMajor() : 12;
    if (version < 1000 * needed) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "cuda: the driver is for CUDA %d.%d, %s needs one for %d.0: install NVIDIA's driver"
                  + " %s",
              version / 1000,
              version % 1000 / 10,
              cublas.map(Path::toString).orElse("sextant"),
              needed,
              needed == 12 ? "525 or newer" : "580 or newer, or libcublas.so.12"));
    }
  }

  /** What to throw where cuBLAS could not be loaded. */
  public SextantException missingCublas(Throwable cause) {
    return new SextantException(
        String.format(Locale.ROOT, "cuda: %s (%s)", report().get(1), cause), cause);
  }

  /** What to throw where cuDNN could not be loaded. */
  public SextantException missingCudnn(Throwable cause) {
    return new SextantException(
        String.format(Locale.ROOT, "cuda: %s (%s)", report().get(2), cause), cause);
  }

  /** One line for each library: where it is, or what to do about it. */
  public List<String> report() {
    return List.of(
        line("driver", driver, "install NVIDIA's driver (libcuda.so.1)"),
        line(
            "cuBLAS" + cublas.map(file -> " " + cublasMajor()).orElse(""),
            cublas,
            "install CUDA 12 or 13's libcublas"),
        line("cuDNN", cudnn, "install cuDNN 9 (libcudnn.so.9)"));
  }

  private static String line(String what, Optional<Path> file, String otherwise) {
    return what
        + ": "
        + file.map(Path::toString)
            .orElse(
                String.format(
                    Locale.ROOT,
                    "not found; %s, or name its folder with -D%s=FOLDER",
                    otherwise,
                    PATH_PROPERTY));
  }
}
