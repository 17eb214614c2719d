package dev.sextant.tensor.internal.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.lang.reflect.Method;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import jdk.incubator.vector.Vector;
import jdk.incubator.vector.VectorMask;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * No method of the kernels takes or returns a vector: where C2 does not inline it, its vectors are
 * objects on the heap, and whether C2 does depends on which of the two it happened to compile first
 * ("already compiled into a big method").
 */
@Tag("vectors")
class VectorSignaturesTest {
  @Test
  void noMethodHandsOverAVector() throws IOException, URISyntaxException, ClassNotFoundException {
    Path folder =
        Path.of(CpuBackend.class.getResource("CpuBackend.class").toURI())
            .toAbsolutePath()
            .getParent();
    List<String> found = new ArrayList<>();
    int classes = 0;
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        String name = folder.relativize(file).toString().replace(File.separatorChar, '.');
        if (!name.endsWith(".class")) {
          continue;
        }
        classes++;
        String className = name.substring(0, name.length() - ".class".length());
        Class<?> type =
            Class.forName(
                CpuBackend.class.getPackageName() + "." + className,
                false,
                CpuBackend.class.getClassLoader());
        for (Method method : type.getDeclaredMethods()) {
          boolean handsOver = isVector(method.getReturnType());
          for (Class<?> parameter : method.getParameterTypes()) {
            handsOver |= isVector(parameter);
          }
          if (handsOver) {
            found.add(className + "." + method.getName());
          }
        }
      }
    }
    assertTrue(classes > 80, "only " + classes + " classes in " + folder);
    assertEquals(List.of(), found);
  }

  private static boolean isVector(Class<?> type) {
    return Vector.class.isAssignableFrom(type) || VectorMask.class.isAssignableFrom(type);
  }
}
