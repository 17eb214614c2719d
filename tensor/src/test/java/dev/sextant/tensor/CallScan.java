package dev.sextant.tensor;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.constantpool.MemberRefEntry;
import java.lang.classfile.constantpool.PoolEntry;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** What the main classes of the modules on the class path call, read from their class files. */
public final class CallScan {
  private CallScan() {}

  /**
   * A call or a reference to a method.
   *
   * @param from the class that has it, as {@code dev.sextant.tensor.Shape}
   * @param to the method, as {@code java/lang/String.format(Ljava/util/Locale;...)...}
   */
  public record Call(String from, String to) {}

  /** The calls whose target passes, of every module found. */
  public static List<Call> calls(Predicate<String> to) {
    List<Call> calls = new ArrayList<>();
    try {
      for (URL place :
          Collections.list(CallScan.class.getClassLoader().getResources("dev/sextant"))) {
        String name = place.toString();
        if (name.contains("test-classes") || name.contains("-tests.jar")) {
          continue;
        }
        if (name.startsWith("jar:")) {
          URI jar = URI.create(name.substring(0, name.indexOf("!/")));
          try (FileSystem files = FileSystems.newFileSystem(jar, Map.of())) {
            scan(files.getPath("dev", "sextant"), to, calls);
          }
        } else {
          scan(Path.of(place.toURI()), to, calls);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
    return calls;
  }

  private static void scan(Path folder, Predicate<String> to, List<Call> calls) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".class")).sorted().toList()) {
        ClassModel model = ClassFile.of().parse(Files.readAllBytes(file));
        String from = model.thisClass().asInternalName().replace('/', '.');
        for (PoolEntry entry : model.constantPool()) {
          if (entry instanceof MemberRefEntry member) {
            String target =
                member.owner().asInternalName()
                    + "."
                    + member.name().stringValue()
                    + member.type().stringValue();
            if (to.test(target)) {
              calls.add(new Call(from, target));
            }
          }
        }
      }
    }
  }
}
