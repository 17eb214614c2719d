package dev.sextant.cli;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.runtime.Weights;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The options about images and threads that several commands share. */
class DataOptionsTest {
  private static final String NETWORK =
      """
      {"format": "sextant-architecture/1", "name": "t", "classes": 2,
       "input": {"height": 8, "width": 8, "channels": 3},
       "layers": [{"op": "conv", "kernel": 3, "out": 4, "stride": 2, "norm": "batch", "act": "relu"},
                  {"op": "global-avg-pool"}, {"op": "linear", "out": 2}]}
      """;

  @TempDir Path folder;

  private Path image(String path, int side, int rgb) throws IOException {
    Path file = folder.resolve(path);
    Files.createDirectories(file.getParent());
    BufferedImage image = new BufferedImage(side, side, BufferedImage.TYPE_INT_RGB);
    image.setRGB(1, 1, rgb);
    assertTrue(ImageIO.write(image, "png", file.toFile()));
    return file;
  }

  private Command train(Object... more) throws IOException {
    Path network = Files.writeString(folder.resolve("t.json"), NETWORK);
    List<Object> arguments =
        new java.util.ArrayList<>(
            List.of("train", "--architecture", network, "--epochs", 1, "--out"));
    arguments.add(folder.resolve("out"));
    arguments.addAll(List.of(more));
    return Command.run(arguments.toArray());
  }

  @Test
  void threadsAreAtLeastOne() throws IOException {
    for (String bad : List.of("-5", "0", "x")) {
      train("--threads", bad).refused("--threads", "'" + bad + "'", "1 to 1024");
      Command.run("eval", "--model", folder, "--threads", bad).refused("--threads", "1 to 1024");
    }
  }

  @Test
  @Tag("long")
  @DisabledOnOs(value = OS.WINDOWS, disabledReason = "links need a privilege there")
  void imagesAsPeopleHaveThem() throws IOException {
    for (int i = 0; i < 10; i++) {
      image("data/a/%d.png".formatted(i), 8, i);
      image("data/b/%d.png".formatted(i), 8, i << 16);
    }
    image("data/b/odd.png", 9, 0);
    Path data = folder.resolve("data");
    train("--data", data).refused("odd.png", "--image-size");
    Files.writeString(folder.resolve("data/b/odd.png"), "<html>");
    Path inner = image("data/a/more/1.png", 8, 3);
    train("--data", data).refused(inner.getParent(), "--nested-folders");
    train("--data", data, "--nested-folders").refused("odd.png", "--skip-damaged");
    Path elsewhere = image("elsewhere.png", 8, 3);
    Path link = Files.createSymbolicLink(folder.resolve("data/a/link.png"), elsewhere);
    train("--data", data, "--nested-folders", "--skip-damaged").refused(link, "--follow-links");
    String out =
        train(
                "--data",
                data,
                "--nested-folders",
                "--skip-damaged",
                "--follow-links",
                "--image-size",
                4)
            .succeeded();
    assertTrue(out.contains("[4,4,3] of 2 classes, 1 damaged files left out"), out);
  }

  private void classes(String data, String... names) throws IOException {
    for (String name : names) {
      for (int i = 0; i < 10; i++) {
        image("%s/%s/%d.png".formatted(data, name, i), 8, 0x101010 * i);
      }
    }
  }

  private Command eval(String data) {
    return Command.run("eval", "--model", folder.resolve("out"), "--data", folder.resolve(data));
  }

  @Test
  void classesAreMatchedByName() throws IOException {
    classes("data", "a", "b", "c");
    train("--data", folder.resolve("data")).succeeded();
    assertFalse(eval("data").succeeded().contains("note"));
    classes("some", "b", "c");
    assertTrue(eval("some").succeeded().contains("of 2 classes"));
    classes("other", "b", "d");
    eval("other").refused(folder.resolve("other"), "class 'd' is none of the model's (a, b, c)");
    classes("case", "a", "B");
    eval("case").refused("class 'B'", "'b'");
    // As the Python package writes it again, without metadata; and an older version.
    Path file = folder.resolve("out/weights.safetensors");
    new Weights(Weights.read(file).entries(), Map.of()).write(file);
    eval("other").refused("class 'd' is none of the model's (a, b, c)");
    Files.move(folder.resolve("data"), folder.resolve("elsewhere"));
    String out = eval("elsewhere").succeeded();
    assertTrue(out.contains("note      the weights do not name the model's classes"), out);
    assertTrue(out.contains("a, b, c"), out);
    assertTrue(out.contains("note      the weights do not say the mean"), out);
    assertTrue(out.contains("note      the weights do not say the deviation"), out);
    eval("other").refused("2 classes do not fit the 3");
  }

  @Test
  void imagesThatWereMoved() throws IOException {
    classes("data", "a", "b");
    train("--data", folder.resolve("data")).succeeded();
    Path moved = Files.move(folder.resolve("data"), folder.resolve("moved"));
    Path run = folder.resolve("out");
    Command.run("resume", run).refused(folder.resolve("data"), "no such folder");
    Command.run("resume", run, "--data", folder.resolve("none")).refused("none", "no such folder");
    String out = Command.run("resume", run, "--data", moved).succeeded();
    assertTrue(out.contains("accuracy"), out);
    Command.run("resume", run).succeeded();
    classes("three", "a", "b", "c");
    Command.run("resume", run, "--data", folder.resolve("three"))
        .refused("the classes are a, b, c, those of the run are a, b");
  }
}
