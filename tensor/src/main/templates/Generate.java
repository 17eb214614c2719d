import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.tools.ToolProvider;

/**
 * Writes the micro-kernels: {@code Generate TEMPLATES TABLE.java CLASSES SOURCES}.
 *
 * <p>A template is the text of one class or more, each from its package line on. A line of it that
 * begins with $ is Java, and an expression in ${} stands for its value, as in XNNPACK's templates;
 * both see what the table's package sees. Terms of 0 * and factors of 1 * are left out of the text,
 * and a list in brackets, however the template breaks it, is laid out as the formatter does.
 *
 * <p>Each template becomes a Java class, line by line, that is compiled with the table and run; so
 * an error of the compiler names the template's line.
 */
public final class Generate {
  private static final Pattern EXPRESSION = Pattern.compile("\\$\\{([^}]*)}");
  private static final Pattern NAME = Pattern.compile("(?m)^\\S*.*\\bclass (\\w+) \\{$");
  private static final Pattern PACKAGE = Pattern.compile("(?m)^package ([\\w.]+);$");
  private static final int LINE = 100;

  private Generate() {}

  public static void main(String[] args) throws IOException, ReflectiveOperationException {
    Path table = Path.of(args[1]);
    Path classes = Path.of(args[2]);
    String home = first(PACKAGE, Files.readString(table));
    Files.createDirectories(classes);
    List<String> names = new ArrayList<>();
    List<String> command = new ArrayList<>(List.of("-d", classes.toString(), table.toString()));
    for (Path template : list(Path.of(args[0]), ".java.tmpl")) {
      String name = template.getFileName().toString().replace(".java.tmpl", "Template");
      Path source = classes.resolve(name + ".java");
      Files.writeString(source, program(home, name, Files.readAllLines(template)));
      names.add(home + "." + name);
      command.add(source.toString());
    }
    if (ToolProvider.getSystemJavaCompiler().run(null, null, null, command.toArray(String[]::new))
        != 0) {
      System.exit(1);
    }
    List<Path> written = new ArrayList<>();
    try (var loader = new URLClassLoader(new URL[] {classes.toUri().toURL()})) {
      for (String name : names) {
        String text = (String) loader.loadClass(name).getMethod("text").invoke(null);
        for (String source : text.split("(?m)^(?=package )")) {
          if (!source.isEmpty()) {
            written.add(write(Path.of(args[3]), layOut(source)));
          }
        }
      }
    } catch (InvocationTargetException e) {
      Throwable cause = e.getCause();
      System.err.println(cause.getCause() == null ? cause : cause.getCause());
      System.exit(1);
    }
    for (Path file : list(Path.of(args[3]), ".java")) {
      if (!written.contains(file)) {
        Files.delete(file);
      }
    }
  }

  private static List<Path> list(Path folder, String ending) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(file -> file.toString().endsWith(ending)).sorted().toList();
    }
  }

  private static String first(Pattern pattern, String text) {
    return pattern.matcher(text).results().findFirst().map(match -> match.group(1)).orElseThrow();
  }

  /** The Java class that writes a template's text; line n of one is line n of the other. */
  private static String program(String home, String name, List<String> template) {
    StringBuilder program = new StringBuilder();
    program.append(
        String.format(
            Locale.ROOT,
            "package %s; public final class %s { public static String text() { var out = new"
                + " StringBuilder(); ",
            home,
            name));
    for (String line : template) {
      program
          .append(line.startsWith("$") && !line.startsWith("${") ? line.substring(1) : append(line))
          .append('\n');
    }
    return program.append("return out.toString(); }}\n").toString();
  }

  private static String append(String line) {
    String quoted = line.replace("\\", "\\\\").replace("\"", "\\\"");
    String expressions =
        EXPRESSION
            .matcher(quoted)
            .replaceAll(match -> java.util.regex.Matcher.quoteReplacement(value(match)));
    return "out.append(\"" + expressions + "\\n\");";
  }

  private static String value(MatchResult match) {
    return "\").append(" + match.group(1).replace("\\\"", "\"") + ").append(\"";
  }

  private static String layOut(String text) {
    StringBuilder out = new StringBuilder();
    StringBuilder statement = new StringBuilder();
    for (String line : text.lines().toList()) {
      if (line.matches("\\s*(/?\\*|//).*")) {
        out.append(line).append('\n');
        continue;
      }
      boolean opens = statement.isEmpty() || statement.charAt(statement.length() - 1) == '(';
      statement.append(statement.isEmpty() ? line : opens ? line.strip() : " " + line.strip());
      if (count(statement, '(') == count(statement, ')')) {
        String plain =
            statement
                .toString()
                .replaceAll(" \\+ 0 \\* \\w+", "")
                .replaceAll("\\b0 \\* \\w+", "0")
                .replaceAll("\\b1 \\* ", "");
        out.append(fold(plain)).append('\n');
        statement.setLength(0);
      }
    }
    return out.toString();
  }

  private static long count(CharSequence text, char c) {
    return text.chars().filter(each -> each == c).count();
  }

  /** A list that is too long for its line goes below it, on one line or else one a line. */
  private static String fold(String line) {
    if (line.length() <= LINE) {
      return line;
    }
    int from = line.indexOf('(') + 1;
    int to = line.lastIndexOf(')');
    String indent = "\n" + " ".repeat(line.length() - line.stripLeading().length() + 4);
    String list = line.substring(from, to);
    boolean fits = indent.length() - 1 + line.length() - from <= LINE;
    return line.substring(0, from)
        + indent
        + (fits ? list : list.replace(", ", "," + indent))
        + line.substring(to);
  }

  /** Writes a source where its package says, unless it stands there already. */
  private static Path write(Path root, String source) throws IOException {
    Path folder = root.resolve(first(PACKAGE, source).replace('.', '/'));
    Path file = folder.resolve(first(NAME, source) + ".java");
    if (!Files.exists(file) || !Files.readString(file).equals(source)) {
      Files.createDirectories(folder);
      Files.writeString(file, source);
    }
    return file;
  }
}
