import com.google.googlejavaformat.java.Main;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Runs google-java-format over every source of a checkout: {@code Format --dry-run|--replace ROOT}.
 */
public final class Format {
  public static void main(String[] args) throws Exception {
    List<String> command = new ArrayList<>(List.of(args[0]));
    if (args[0].equals("--dry-run")) {
      command.add("--set-exit-if-changed");
    }
    try (var files = Files.walk(Path.of(args[1]))) {
      files
          .filter(
              file -> file.toString().endsWith(".java") && !file.toString().contains("/target/"))
          .sorted()
          .forEach(file -> command.add(file.toString()));
    }
    PrintWriter out = new PrintWriter(System.out, true);
    PrintWriter err = new PrintWriter(System.err, true);
    int exit = new Main(out, err, System.in).format(command.toArray(String[]::new));
    if (exit != 0) {
      err.println("Sources above are not formatted; `mvn -N -Pformat validate` formats them.");
    }
    System.exit(exit);
  }
}
