package dev.sextant.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What the pages of this repository name is there: files, headings, commands, profiles. */
class PagesTest {
  private static final Path ROOT =
      Path.of(System.getProperty("basedir", "."), "..", "..").toAbsolutePath().normalize();

  private static final Pattern LINK = Pattern.compile("]\\(([^)\\s]+)\\)");
  private static final Pattern HEADING = Pattern.compile("(?m)^#+ (.*)$");

  /** A command and what follows it to the end of its line, or of its quotation. */
  private static final Pattern COMMAND =
      Pattern.compile("\\./sextant ([a-z]\\S*)((?:[^\\\\\n`]|\\\\\n)*)");

  private static final Pattern OPTION = Pattern.compile("--[a-z][a-z-]*");
  private static final Pattern BUILD = Pattern.compile("(?:\\bmvn|\\./mvnw) [^\n`|]*");
  private static final Pattern PROFILE = Pattern.compile("-P([a-z-]+)");
  private static final Pattern SCRIPT = Pattern.compile("(?<![\\w/])\\.ci/[\\w./-]+");

  private final TreeSet<String> missing = new TreeSet<>();

  private static List<Path> files(String suffix) throws IOException {
    try (Stream<Path> files = Files.walk(ROOT)) {
      return files
          .filter(file -> file.toString().endsWith(suffix))
          .filter(file -> !ROOT.relativize(file).toString().matches(".*\\btarget\\b.*"))
          .filter(file -> !ROOT.relativize(file).startsWith("shared"))
          .toList();
    }
  }

  /** Every match in every page. */
  private static void each(Pattern pattern, BiConsumer<Path, MatchResult> found)
      throws IOException {
    List<Path> pages = files(".md");
    assertTrue(pages.contains(ROOT.resolve("README.md")), pages::toString);
    for (Path page : pages) {
      pattern.matcher(Files.readString(page)).results().forEach(match -> found.accept(page, match));
    }
  }

  private void require(boolean there, Path page, String name) {
    if (!there) {
      missing.add(ROOT.relativize(page) + ": " + name);
    }
  }

  @Test
  void linksLeadSomewhere() throws IOException {
    each(
        LINK,
        (page, match) -> {
          String[] link = match.group(1).split("#", 2);
          if (link[0].contains(":")) {
            return;
          }
          Path file = link[0].isEmpty() ? page : page.resolveSibling(link[0]).normalize();
          require(Files.exists(file), page, match.group(1));
          if (link.length == 2 && Files.isRegularFile(file)) {
            require(anchors(file).contains(link[1]), page, match.group(1));
          }
        });
    each(
        SCRIPT,
        (page, match) -> require(Files.exists(ROOT.resolve(match.group())), page, match.group()));
    assertEquals(new TreeSet<>(), missing);
  }

  /** A page's headings as GitHub links to them. */
  private static List<String> anchors(Path page) {
    try {
      return HEADING
          .matcher(Files.readString(page))
          .results()
          .map(heading -> heading.group(1).toLowerCase(Locale.ROOT))
          .map(heading -> heading.replaceAll("[^\\w\\s-]", "").strip().replace(' ', '-'))
          .toList();
    } catch (IOException e) {
      return List.of();
    }
  }

  @Test
  void commandsHaveTheirOptions() throws IOException {
    Map<String, String> help = new HashMap<>();
    each(
        COMMAND,
        (page, match) -> {
          String command = match.group(1);
          String usage = help.computeIfAbsent(command, PagesTest::help);
          require(!usage.isEmpty(), page, command);
          OPTION
              .matcher(match.group(2))
              .results()
              .map(MatchResult::group)
              .forEach(
                  option ->
                      require(
                          usage.matches("(?s).*" + option + "\\b(?!-).*"),
                          page,
                          command + " " + option));
        });
    assertEquals(new TreeSet<>(), missing);
  }

  /** A command's help; empty where there is no such command. */
  private static String help(String command) {
    PrintStream out = System.out;
    PrintStream err = System.err;
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    try (PrintStream to = new PrintStream(said, true, StandardCharsets.UTF_8)) {
      System.setOut(to);
      System.setErr(to);
      // An option that can be negated is printed as --[no-]option.
      return Check.execute(command, "--help") == 0
          ? said.toString(StandardCharsets.UTF_8).replace("[no-]", "")
          : "";
    } finally {
      System.setOut(out);
      System.setErr(err);
    }
  }

  @Test
  void buildsHaveTheirProfiles() throws IOException {
    String poms =
        files("pom.xml").stream()
            .map(
                pom -> {
                  try {
                    return Files.readString(pom);
                  } catch (IOException e) {
                    throw new AssertionError(e);
                  }
                })
            .collect(Collectors.joining());
    each(
        BUILD,
        (page, match) ->
            PROFILE
                .matcher(match.group())
                .results()
                .map(profile -> profile.group(1))
                .forEach(
                    profile ->
                        require(poms.contains("<id>" + profile + "</id>"), page, "-P" + profile)));
    assertEquals(new TreeSet<>(), missing);
  }
}
