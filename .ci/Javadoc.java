import java.io.IOException;
import java.io.InputStream;
import java.lang.module.ModuleDescriptor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.spi.ToolProvider;

/**
 * Runs the JDK's own javadoc over the module in a folder: {@code Javadoc FOLDER CLASS_PATH STRICT
 * --packages=NAME:NAME} writes {@code target/apidocs}. The packages are those of a module without a
 * descriptor. Maven's plugin for it reads module descriptors in the Java that Maven runs on, which
 * may be older than they are. Strict makes warnings errors.
 */
public final class Javadoc {
  public static void main(String[] args) throws IOException {
    Path folder = Path.of(args[0]);
    Path sources = folder.resolve("src/main/java");
    if (!Files.isDirectory(sources)) {
      return;
    }
    Path target = folder.resolve("target");
    List<String> roots = new ArrayList<>(List.of(sources.toString()));
    Path generated = target.resolve("generated-sources/kernels");
    if (Files.isDirectory(generated)) {
      roots.add(generated.toString());
    }
    String sourcePath = String.join(System.getProperty("path.separator"), roots);
    List<String> options =
        new ArrayList<>(List.of("-quiet", "-notimestamp", "-encoding", "UTF-8", "-Xdoclint:all"));
    options.addAll(List.of("-Xmaxwarns", "10000", "-d", target.resolve("apidocs").toString()));
    options.addAll(List.of("--add-modules", "jdk.incubator.vector"));
    if (Boolean.parseBoolean(args[2])) {
      options.add("-Werror");
    }
    Path descriptor = target.resolve("classes/module-info.class");
    if (Files.exists(descriptor)) {
      String module;
      try (InputStream in = Files.newInputStream(descriptor)) {
        module = ModuleDescriptor.read(in).name();
      }
      options.addAll(List.of("--module-path", args[1]));
      options.addAll(List.of("--module-source-path", module + "=" + sourcePath));
      options.addAll(List.of("--module", module));
    } else {
      options.addAll(List.of("-classpath", args[1], "-sourcepath", sourcePath));
      options.addAll(List.of(args[3].substring("--packages=".length()).split(":")));
    }
    ToolProvider javadoc = ToolProvider.findFirst("javadoc").orElseThrow();
    System.exit(javadoc.run(System.out, System.err, options.toArray(String[]::new)));
  }
}
