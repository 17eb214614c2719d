package dev.sextant.nas.data;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * Class folders with letters beyond ASCII, where the locale has none: LC_ALL=C, as in containers.
 */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "file names there are not bytes")
class PosixLocaleTest {
  @TempDir Path folder;

  /** Prints the classes of the folder it is started in, letters as numbers. */
  static final class Classes {
    private Classes() {}

    public static void main(String[] arguments) {
      for (String name : Datasets.open(Path.of("")).classNames()) {
        name.chars().forEach(c -> System.out.print(c + " "));
        System.out.println();
      }
    }
  }

  private String inC(List<String> command) throws IOException, InterruptedException {
    ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
    builder.environment().put("LC_ALL", "C");
    Process process = builder.redirectErrorStream(true).start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), out);
    return out;
  }

  @Test
  void namesKeepTheirLetters() throws Exception {
    ImageIO.write(
        new BufferedImage(4, 4, BufferedImage.TYPE_INT_RGB),
        "png",
        folder.resolve("1.png").toFile());
    // The shell writes the bytes of Ä and Ö in UTF-8, whatever this JVM's locale.
    String names =
        "for n in $(printf '\\303\\204 \\303\\226'); do mkdir $n;"
            + " for i in 1 2 3 4 5; do cp 1.png $n/$n$i.png; done; done; rm 1.png";
    inC(List.of("sh", "-c", names));
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    String path = System.getProperty("java.class.path");
    String out = inC(List.of(java, "-cp", path, Classes.class.getName()));
    assertEquals(List.of("196 ", "214 "), out.lines().toList());
    assertEquals(2, Files.list(folder).count());
  }
}
