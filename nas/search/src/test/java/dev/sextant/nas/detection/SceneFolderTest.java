package dev.sextant.nas.detection;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.data.scene.Scene;
import dev.sextant.tensor.SextantException;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Labelled images as COCO and Pascal VOC have them. */
@Tag("machine-text")
class SceneFolderTest {
  @TempDir private Path folder;

  private static final String COCO =
      """
      {"info": {"year": 2017}, "licenses": [{"id": 1, "name": "x"}],
       "images": [{"id": 7, "file_name": "a.png", "width": 40, "height": 20, "license": 1},
                  {"id": 9, "file_name": "b.png", "width": 10, "height": 10}],
       "annotations": [
         {"id": 1, "image_id": 7, "category_id": 3, "bbox": [4, 2, 10.5, 8], "area": 60.5,
          "iscrowd": 0, "segmentation": [[1, 2, 3, 4, 5, 6]]},
         {"id": 2, "image_id": 7, "category_id": 1, "bbox": [30, 10, 20, 20], "iscrowd": 1,
          "segmentation": {"counts": [3, 4], "size": [5, 6]}, "area": 100}],
       "categories": [{"id": 3, "name": "cat"}, {"id": 1, "name": "person", "supercategory": "x"}]}
      """;

  private static final String VOC =
      """
      <?xml version="1.0"?>
      <annotation><folder>VOC2007</folder><filename>a.png</filename>
        <size><width>40</width><height>20</height><depth>3</depth></size>
        <object><name>cat</name><difficult>0</difficult>
          <bndbox><xmin>5</xmin><ymin>3</ymin><xmax>14</xmax><ymax>10</ymax></bndbox></object>
        <object><name>dog</name><difficult>1</difficult>
          <part><name>head</name><bndbox><xmin>1</xmin></bndbox></part>
          <bndbox><ymin>1</ymin><xmin>1</xmin><xmax>40</xmax><ymax>20</ymax></bndbox></object>
      </annotation>
      """;

  @BeforeEach
  void images() throws IOException {
    for (String part : List.of("train2017", "val2017", "JPEGImages")) {
      Files.createDirectories(folder.resolve(part));
      image(folder.resolve(part).resolve("a.png"), 40, 20);
      image(folder.resolve(part).resolve("b.png"), 10, 10);
    }
  }

  private static void image(Path file, int width, int height) throws IOException {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    image.setRGB(0, 0, 0xFF8040);
    ImageIO.write(image, "png", file.toFile());
  }

  private void coco(String train) throws IOException {
    Path annotations = Files.createDirectories(folder.resolve("annotations"));
    Files.writeString(annotations.resolve("instances_train2017.json"), train);
    Files.writeString(annotations.resolve("instances_val2017.json"), COCO);
  }

  private void voc(String xml) throws IOException {
    Path annotations = Files.createDirectories(folder.resolve("Annotations"));
    Files.writeString(annotations.resolve("a.xml"), xml);
    Files.writeString(
        annotations.resolve("b.xml"),
        VOC.replace("a.png", "b.png").replace("40<", "10<").replace("20<", "10<"));
    Path lists = Files.createDirectories(folder.resolve("ImageSets").resolve("Main"));
    Files.writeString(lists.resolve("trainval.txt"), "a\n");
    Files.writeString(lists.resolve("test.txt"), "b\n");
  }

  @Test
  void cocoAsItIs() throws IOException {
    coco(COCO);
    ImageDataset scenes = SceneFolder.open(folder, 16, 0, false);
    assertEquals(List.of("person", "cat"), scenes.classNames());
    assertEquals(2, scenes.train().count());
    assertEquals(16, scenes.train().height());
    Scene first = scenes.train().scene(0);
    assertEquals(40, first.width());
    assertEquals(
        List.of(
            new Scene.Item(1, 4, 2, 14.5f, 10, 60.5, Scene.Kind.OBJECT),
            new Scene.Item(0, 30, 10, 40, 20, 100, Scene.Kind.CROWD)),
        first.objects());
    assertTrue(scenes.train().scene(1).objects().isEmpty());
  }

  @Test
  void pascalVocAsItIs() throws IOException {
    voc(VOC);
    ImageDataset scenes = SceneFolder.open(folder, 16, 0, false);
    assertEquals(List.of("cat", "dog"), scenes.classNames());
    assertEquals(1, scenes.train().count());
    assertEquals(
        List.of(
            new Scene.Item(0, 4, 2, 14, 10, 80, Scene.Kind.OBJECT),
            new Scene.Item(1, 0, 0, 40, 20, 800, Scene.Kind.DIFFICULT)),
        scenes.train().scene(0).objects());
    Files.delete(folder.resolve("ImageSets/Main/test.txt"));
    ImageDataset split = SceneFolder.open(folder, 8, 3, false);
    assertEquals(1, split.train().count());
    assertEquals(1, split.test().count());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "\"a.png\"; \"../a.png\"; file_name must be a name without folders",
        "\"image_id\": 7; \"image_id\": 8; annotations[0]: there is no image 8",
        "\"category_id\": 3; \"category_id\": 4; annotations[0]: there is no category 4",
        "[4, 2, 10.5, 8]; [4, 2, 10.5]; annotations[0].bbox",
        "[4, 2, 10.5, 8]; [4, 2, 10.5, 1e9]; is no place in an image",
        "\"id\": 9; \"id\": 7; its id is missing or that of another image",
        "\"width\": 40; \"width\": 0; an image of 0 x 20 pixels",
        "\"width\": 40; \"width\": 41; is 40 x 20 pixels, its labels say 41 x 20",
        "b.png; c.png; c.png: is not there",
        "\"person\"; \"cat\"; its name is missing or that of another category",
        "\"images\": [; \"images\": [[; images[0]",
        "{\"info\"; {{\"info\"; is no JSON"
      })
  void damagedCocoIsRefused(String from, String to, String error) throws IOException {
    coco(COCO.replace(from, to));
    String message =
        assertThrows(SextantException.class, () -> SceneFolder.open(folder, 16, 0, false))
            .getMessage();
    assertTrue(message.contains(error), message);
    assertEquals(1, message.lines().count(), message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "<filename>a.png; <filename>../a.png; filename must be a name without folders",
        "<xmin>5; <xmin>NaN; object 0: bndbox/xmin is \"NaN\", no pixel",
        "<name>cat</name>; ''; object 0: has no name",
        "<width>40; <width>0; an image of 0 x 20 pixels",
        "</annotation>; ''; is no XML that is read here",
        "<name>cat; <name>&lt&file; is no XML that is read here"
      })
  void damagedVocIsRefused(String from, String to, String error) throws IOException {
    voc(VOC.replace(from, to));
    String message =
        assertThrows(SextantException.class, () -> SceneFolder.open(folder, 16, 0, false))
            .getMessage();
    assertTrue(message.contains(error), message);
    assertEquals(1, message.lines().count(), message);
  }

  /** What an entity names is not read, nor does one that grows take memory. */
  @Test
  void entitiesAreNotFollowed() throws IOException {
    Path secret = Files.writeString(folder.resolve("secret"), "hidden");
    for (String type :
        List.of(
            "<!DOCTYPE annotation [<!ENTITY e SYSTEM \"" + secret.toUri() + "\">]>",
            "<!DOCTYPE annotation [<!ENTITY a \"aaaa\"><!ENTITY e \"&a;&a;&a;\">]>")) {
      voc(
          VOC.replace("<?xml version=\"1.0\"?>", "<?xml version=\"1.0\"?>" + type)
              .replace("<name>cat", "<name>&e;"));
      String message =
          assertThrows(SextantException.class, () -> SceneFolder.open(folder, 16, 0, false))
              .getMessage();
      assertTrue(!message.contains("hidden") && message.contains("a.xml"), message);
    }
  }

  @Test
  void aFolderOfNeitherKindIsRefused() {
    assertEquals(
        folder + ": has neither annotations (COCO) nor Annotations (Pascal VOC)",
        assertThrows(SextantException.class, () -> SceneFolder.open(folder, 16, 0, false))
            .getMessage());
  }
}
