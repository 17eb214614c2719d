package dev.sextant.kernels.natives;

import dev.sextant.kernels.driver.Driver;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Loads JCuda and the driver on it apart from the application's own classes, so that JCuda's native
 * libraries can be served from here: relinked where the machine has CUDA 13, and after the
 * libraries they need have been loaded from where they lie, in whatever folder that is.
 */
public final class JCudaLoader extends ClassLoader {
  private static final List<String> OWN = List.of("jcuda.", "dev.sextant.kernels.jcuda.");
  private static final String DRIVER = "dev.sextant.kernels.jcuda.JCudaDriverSeam";

  /** The one of this process: a library can be loaded once, and what it keeps serves everyone. */
  private static @Nullable JCudaLoader loader;

  private final CudaLibraries libraries;

  private JCudaLoader(CudaLibraries libraries) {
    super("jcuda", JCudaLoader.class.getClassLoader());
    this.libraries = libraries;
  }

  /**
   * Opens a device.
   *
   * @param index from 0
   * @throws SextantException that says what is missing and what to do about it
   */
  public static Driver open(CudaSettings settings, int index) {
    if (settings.libraries().driver().isEmpty()) {
      throw new SextantException("cuda: " + settings.libraries().report().getFirst());
    }
    try {
      return (Driver)
          loader(settings.libraries())
              .loadClass(DRIVER)
              .getMethod("open", int.class, CudaSettings.class)
              .invoke(null, index, settings);
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof SextantException cause) {
        throw cause;
      }
      throw new SextantException("cuda: JCuda could not be loaded: " + e.getCause());
    } catch (ReflectiveOperationException e) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "cuda: JCuda is not on the class path (%s); add org.jcuda's jcuda, jcublas, jcudnn"
                  + " and their natives",
              e));
    }
  }

  private static synchronized JCudaLoader loader(CudaLibraries libraries) {
    if (loader == null) {
      loader = new JCudaLoader(libraries);
    }
    return loader;
  }

  @Override
  protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
    if (OWN.stream().noneMatch(name::startsWith)) {
      return super.loadClass(name, resolve);
    }
    synchronized (getClassLoadingLock(name)) {
      Class<?> loaded = findLoadedClass(name);
      return loaded == null ? define(name) : loaded;
    }
  }

  private Class<?> define(String name) throws ClassNotFoundException {
    try (InputStream in = getResourceAsStream(name.replace('.', '/') + ".class")) {
      if (in == null) {
        throw new ClassNotFoundException(name);
      }
      byte[] bytes = in.readAllBytes();
      return defineClass(name, bytes, 0, bytes.length);
    } catch (IOException e) {
      throw new ClassNotFoundException(name, e);
    }
  }

  /** A copy of a JCuda library outside its jar; null if it is in none. */
  @Override
  protected @Nullable String findLibrary(String name) {
    String file = System.mapLibraryName(name);
    try (InputStream in = getResourceAsStream("lib/" + file)) {
      if (in == null) {
        return null;
      }
      byte[] library = in.readAllBytes();
      if (name.startsWith("JCublas")) {
        libraries.cublas().ifPresent(JCudaLoader::preloadCublas);
        if (libraries.cublasMajor() == 13) {
          library = ElfRelink.relink(library, "libcublas.so.12", "libcublas.so.13");
        }
      } else if (name.startsWith("JCudnn")) {
        // Its parts look for cuBLAS by name, and some of its algorithms are compiled when used.
        libraries.cublas().ifPresent(JCudaLoader::preloadCublas);
        libraries.cublas().ifPresent(cublas -> preloadBeside(cublas, "libnvrtc.so."));
        libraries.cudnn().ifPresent(JCudaLoader::preloadCudnn);
      } else if (name.startsWith("JCudaDriver")) {
        libraries.driver().ifPresent(JCudaLoader::load);
      }
      Path folder = Files.createTempDirectory("sextant-jcuda");
      Path copy = folder.resolve(file);
      Files.write(copy, library);
      folder.toFile().deleteOnExit();
      copy.toFile().deleteOnExit();
      return copy.toString();
    } catch (IOException e) {
      throw new SextantException(
          String.format(Locale.ROOT, "cuda: could not unpack %s: %s", file, e));
    }
  }

  /** cuBLAS needs its other half, which lies beside it. */
  private static void preloadCublas(Path cublas) {
    Path half =
        cublas.resolveSibling(cublas.getFileName().toString().replace("cublas", "cublasLt"));
    if (Files.isRegularFile(half)) {
      load(half);
    }
    load(cublas);
  }

  /**
   * cuDNN 9 opens its parts by name when it needs them: those beside it come first, or it may find
   * none, or those of another version elsewhere. The parts that others are linked to are named.
   */
  private static void preloadCudnn(Path cudnn) {
    load(cudnn);
    for (String part : List.of("graph", "ops", "cnn")) {
      preloadPart(cudnn.resolveSibling("libcudnn_" + part + ".so.9"));
    }
    try (Stream<Path> beside = Files.list(cudnn.toAbsolutePath().getParent())) {
      beside
          .filter(file -> file.getFileName().toString().matches("libcudnn_.*\\.so\\.9"))
          .sorted()
          .forEach(JCudaLoader::preloadPart);
    } catch (IOException e) {
      throw new SextantException(String.format(Locale.ROOT, "cuda: %s: %s", cudnn, e));
    }
  }

  /** A part that does not load is cuDNN's to miss, if it ever needs it. */
  private static void preloadPart(Path part) {
    if (Files.isRegularFile(part)) {
      try {
        load(part);
      } catch (UnsatisfiedLinkError _) {
        return;
      }
    }
  }

  /** Another library of the same version, where it lies in the same folder. */
  private static void preloadBeside(Path cublas, String name) {
    String file = cublas.getFileName().toString();
    Path other = cublas.resolveSibling(name + file.substring(file.lastIndexOf('.') + 1));
    if (Files.isRegularFile(other)) {
      load(other);
    }
  }

  @SuppressWarnings("restricted") // what this class is for
  private static void load(Path library) {
    System.load(library.toAbsolutePath().toString());
  }
}
