package dev.sextant.nas.data;

import static dev.sextant.nas.data.TestData.assertError;
import static dev.sextant.nas.data.TestData.gzip;
import static dev.sextant.nas.data.TestData.idx;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.runtime.Weights;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.Normalizer;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Data as archives unpack it, systems leave it and people put it. */
class FoldersAsPeopleHaveThemTest {
  private static final DataOptions DEFAULT = DataOptions.DEFAULT;

  @TempDir Path temp;

  private Path image(String path) throws IOException {
    Path file = temp.resolve("data").resolve(path);
    Files.createDirectories(file.getParent());
    BufferedImage image = new BufferedImage(4, 3, BufferedImage.TYPE_INT_RGB);
    image.setRGB(1, 1, path.hashCode());
    assertTrue(ImageIO.write(image, "png", file.toFile()));
    return file;
  }

  private void images(String folder, int count) throws IOException {
    for (int i = 0; i < count; i++) {
      image(folder + "/" + i + ".png");
    }
  }

  private Path data() {
    return temp.resolve("data");
  }

  private Path text(String path, String text) throws IOException {
    Path file = data().resolve(path);
    Files.createDirectories(file.getParent());
    return Files.writeString(file, text);
  }

  private static List<Integer> labels(Images images) {
    return IntStream.range(0, images.count()).mapToObj(images::label).toList();
  }

  // ---- what is not a plain file

  @Test
  @DisabledOnOs(value = OS.WINDOWS, disabledReason = "pipes have no place in folders there")
  void pipesAndSocketsAreRefusedAndNotWaitedFor() throws Exception {
    images("a", 5);
    images("b", 5);
    Path pipe = data().resolve("b/pipe.png");
    assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
    assertTimeoutPreemptively(
        Duration.ofSeconds(10),
        () -> assertError(() -> Datasets.open(data()), pipe, "is a pipe, socket or device"));
    Files.delete(pipe);
    Path socket = data().resolve("a/s.png");
    try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(socket));
      assertError(() -> Datasets.open(data()), socket, "is a pipe, socket or device");
    }
    Files.delete(socket);
    for (String name : List.of("train-images-idx3-ubyte", "train.bin")) {
      Path other = data().resolve(name);
      assertEquals(0, new ProcessBuilder("mkfifo", other.toString()).start().waitFor());
      assertTimeoutPreemptively(
          Duration.ofSeconds(10),
          () -> assertError(() -> Datasets.open(data()), other, "is a pipe, socket or device"));
      Files.delete(other);
    }
  }

  @Test
  @DisabledOnOs(value = OS.WINDOWS, disabledReason = "links need a privilege there")
  void linksOutOfTheDataAreAskedFor() throws IOException {
    images("a", 5);
    images("b", 5);
    Path elsewhere = Files.createDirectory(temp.resolve("elsewhere"));
    Files.copy(data().resolve("a/0.png"), elsewhere.resolve("0.png"));
    Path file = Files.createSymbolicLink(data().resolve("b/x.png"), elsewhere.resolve("0.png"));
    assertError(() -> Datasets.open(data()), file, "out of the data", "--follow-links");
    assertEquals(11, total(Datasets.open(data(), DEFAULT.withFollowLinks(true))));
    Files.delete(file);
    Path folder = Files.createSymbolicLink(data().resolve("c"), elsewhere);
    assertError(() -> Datasets.open(data()), folder, "out of the data", "--follow-links");
    assertEquals(3, Datasets.open(data(), DEFAULT.withFollowLinks(true)).classes());
    Files.delete(folder);
    Files.createSymbolicLink(data().resolve("b/inside.png"), Path.of("../a/0.png"));
    assertEquals(11, total(Datasets.open(data())));
    Path nothing = Files.createSymbolicLink(data().resolve("b/y.png"), temp.resolve("none"));
    assertError(() -> Datasets.open(data()), nothing, "a symbolic link to nothing");
    Files.delete(nothing);
    Path itself = Files.createSymbolicLink(data().resolve("b/z.png"), Path.of("z.png"));
    assertError(() -> Datasets.open(data()), itself, "a symbolic link to nothing");
    Files.delete(itself);
    Path up = Files.createSymbolicLink(data().resolve("b/up"), Path.of(".."));
    DataOptions nested = DEFAULT.withNestedFolders(true);
    assertError(() -> Datasets.open(data(), nested), up.resolve("b/up"), "it lies in");
    // The folder that was given may itself be a link.
    Files.delete(up);
    assertEquals(11, total(Datasets.open(Files.createSymbolicLink(temp.resolve("l"), data()))));
  }

  private static int total(ImageDataset data) {
    return data.train().count() + data.test().count();
  }

  @Test
  void foldersWhereFilesAreMeant() throws IOException {
    writeIdx("train-%s-idx%d-ubyte", "t10k-%s-idx%d-ubyte");
    Files.createDirectory(data().resolve("classes.txt"));
    assertEquals(List.of("0", "1"), Datasets.open(data()).classNames());
    Files.delete(data().resolve("train-labels-idx1-ubyte"));
    Files.createDirectory(data().resolve("train-labels-idx1-ubyte"));
    assertError(() -> Datasets.open(data()), "train-labels-idx1-ubyte[.gz] is missing");
  }

  // ---- IDX and CIFAR

  private void writeIdx(String train, String test) throws IOException {
    Files.createDirectories(data());
    for (String part : List.of(train, test)) {
      write(part.formatted("images", 3), idx(new byte[24], 4, 2, 3));
      write(part.formatted("labels", 1), idx(new byte[] {0, 1, 1, 0}, 4));
    }
  }

  private Path write(String name, byte[] bytes) throws IOException {
    byte[] stored = name.endsWith(".gz") ? gzip(bytes) : bytes;
    return Files.write(Files.createDirectories(data()).resolve(name), stored);
  }

  @Test
  void kagglesMnist() throws IOException {
    writeIdx("train-%s.idx%d-ubyte", "t10k-%s.idx%d-ubyte");
    for (String name : List.of("train-images-idx3-ubyte", "t10k-labels-idx1-ubyte")) {
      Path folder = Files.createDirectory(data().resolve(name));
      Files.copy(data().resolve(name.replace("-idx", ".idx")), folder.resolve(name));
      Files.delete(data().resolve(name.replace("-idx", ".idx")));
    }
    Files.createDirectory(data().resolve("train-labels-idx1-ubyte"));
    assertEquals(4, Datasets.open(data()).train().count());
  }

  @Test
  void emnist() throws IOException {
    writeIdx("emnist-letters-train-%s-idx%d-ubyte.gz", "emnist-letters-test-%s-idx%d-ubyte.gz");
    assertEquals(List.of("0", "1"), Datasets.open(data()).classNames());
    text("emnist-letters-mapping.txt", "0 65 97\n1 66 98\n");
    assertEquals(List.of("A", "B"), Datasets.open(data()).classNames());
    Path wrong = text("emnist-letters-mapping.txt", "0 x\n");
    assertError(() -> Datasets.open(data()), wrong, "'0 x'");
    Files.delete(wrong);
    write("emnist-digits-train-images-idx3-ubyte.gz", idx(new byte[6], 1, 2, 3));
    assertError(
        () -> Datasets.open(data()),
        data(),
        "emnist-digits; emnist-letters",
        "of their own",
        "several data sets");
  }

  @Test
  void qmnist() throws IOException {
    for (String part : List.of("train", "test")) {
      write("qmnist-" + part + "-images-idx3-ubyte.gz", idx(new byte[24], 4, 2, 3));
      ByteBuffer labels = ByteBuffer.allocate(12 + 4 * 8 * 4);
      labels.putInt(0x0C02).putInt(4).putInt(8);
      for (int i = 0; i < 4; i++) {
        labels.putInt(12 + 32 * i, i % 2).putInt(16 + 32 * i, 4_000_000);
      }
      write("qmnist-" + part + "-labels-idx2-int.gz", labels.array());
    }
    ImageDataset data = Datasets.open(data());
    assertEquals(List.of(0, 1, 0, 1), labels(data.train()));
    Path labels = data().resolve("qmnist-train-labels-idx2-int.gz");
    ByteBuffer wrong = ByteBuffer.allocate(12 + 16);
    write(
        labels.getFileName().toString(),
        wrong.putInt(0x0C02).putInt(4).putInt(1).putInt(-1).array());
    assertError(() -> Datasets.open(data()), labels, "label -1 of image 0");
  }

  @Test
  void copiesOfCifarBatches() throws IOException {
    for (int i = 1; i <= 5; i++) {
      write("data_batch_" + i + ".bin", new byte[3073]);
    }
    write("test_batch.bin", new byte[3073]);
    write("data_batch_3 (1).bin", new byte[3073]);
    write("data_batch_4(2).bin.gz", new byte[3073]);
    write("test_batch - Copy.bin", new byte[3073]);
    ImageDataset data = Datasets.open(data());
    assertEquals(List.of(5, 1), List.of(data.train().count(), data.test().count()));
    Path sixth = write("data_batch_6.bin", new byte[3073]);
    assertError(() -> Datasets.open(data()), sixth, "none of CIFAR's five");
  }

  @Test
  void picklesAndArchivesAndPointers() throws IOException {
    write("data_batch_1", new byte[] {(byte) 0x80, 2});
    assertError(() -> Datasets.open(data()), data(), "pickles", "cifar-10-binary.tar.gz");
    Files.delete(data().resolve("data_batch_1"));
    for (String name : List.of("train", "test", "meta")) {
      write(name, new byte[] {(byte) 0x80, 2});
    }
    assertError(() -> Datasets.open(data()), data(), "pickles", "cifar-100-binary.tar.gz");
    for (String name : List.of("train", "test", "meta")) {
      Files.delete(data().resolve(name));
    }
    Path archive = text("cifar-10-binary.tar.gz", "");
    assertError(() -> Datasets.open(data()), archive, "has to be unpacked");
    String pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
    writeIdx("train-%s-idx%d-ubyte", "t10k-%s-idx%d-ubyte");
    for (String name : List.of("train-images-idx3-ubyte", "train-images-idx3-ubyte.gz")) {
      Files.delete(data().resolve("train-images-idx3-ubyte"));
      Path file = text(name, pointer);
      assertError(() -> Datasets.open(data()), file, "git-lfs pointer", "git lfs pull");
      Files.move(file, data().resolve("train-images-idx3-ubyte"));
    }
  }

  @Test
  void anyDataIsResized() throws IOException {
    writeIdx("train-%s-idx%d-ubyte", "t10k-%s-idx%d-ubyte");
    DataOptions options = DEFAULT.withImageSize(8).withColor(DataOptions.Color.RGB);
    ImageDataset data = Datasets.open(data(), options);
    assertEquals(List.of(8, 8, 3), List.of(data.height(), data.width(), data.channels()));
    write("train.bin", new byte[3073]);
    write("test.bin", new byte[3073]);
    options = options.withFormat(DataFormat.CIFAR10).withColor(DataOptions.Color.GRAY);
    data = Datasets.open(data(), options);
    assertEquals(List.of(8, 8, 1), List.of(data.height(), data.width(), data.channels()));
  }

  // ---- folders of images

  @Test
  void flatTestBesideAValidationPart() throws IOException {
    images("train/a", 2);
    images("train/b", 2);
    images("test", 3);
    assertError(() -> Datasets.open(data()), data().resolve("test"), "no class folders", "list");
    images("valid/b", 1);
    images("valid/a", 1);
    assertEquals(List.of(0, 1), labels(Datasets.open(data()).test()));
    // Kaggle's tests without labels lie in one folder.
    Files.createDirectories(data().resolve("test/unknown"));
    for (int i = 0; i < 3; i++) {
      Files.move(data().resolve("test/%d.png".formatted(i)), data().resolve("test/unknown/" + i));
    }
    assertEquals(2, Datasets.open(data()).test().count());
  }

  @Test
  void listsOfClasses() throws IOException {
    images("train/n01", 2);
    images("train/n02", 2);
    images("val", 3);
    for (String list :
        List.of(
            "0.png\tn01\t0\t32\t44\n1.png\tn02\t1\t2\t3\n2.png\tn02\t1\t2\t3\n",
            "ImageId,PredictionString\n0,n01 85 1 499 272 n01 1 2 3 4\n1,n02 1 1 1 1\n2,n02 1\n",
            "0.png 0\n1.png 1\n\n2.png 1\n",
            "\uFEFF\"val/0.png\";\"n01\"\r\n\"val/1.png\";\"n02\"\r\n\"val/2.png\";\"n02\"\r\n")) {
      for (String place : List.of("val/val_annotations.txt", "LOC_val_solution.csv", "val.txt")) {
        Path file = text(place, list);
        assertEquals(List.of(0, 1, 1), labels(Datasets.open(data()).test()), list);
        Files.delete(file);
      }
    }
    Path file = text("val.txt", "0.png n01\n1.png n02\n");
    assertError(() -> Datasets.open(data()), data().resolve("val/2.png"), file, "not say");
    text("val.txt", "0.png n01\n1.png n03\n");
    assertError(() -> Datasets.open(data()), file, "line 2", "'n03' is no class");
    text("val.txt", "490\n361\n171\n");
    assertError(() -> Datasets.open(data()), data().resolve("val"), "no class folders");
  }

  @Test
  void tinyImageNet() throws IOException {
    images("train/n01/images", 2);
    images("train/n02/images", 2);
    text("train/n01/n01_boxes.txt", "0.png 1 2 3 4\n");
    images("val/images", 2);
    text("val/val_annotations.txt", "0.png\tn02\t1\t2\t3\t4\n1.png\tn01\t1\t2\t3\t4\n");
    images("test/images", 2);
    text("wnids.txt", "n01\nn02\n");
    assertEquals(List.of(1, 0), labels(Datasets.open(data()).test()));
  }

  @Test
  void foldersWithinClassFolders() throws IOException {
    images("cat/siamese/young", 3);
    images("cat/persian", 3);
    images("cat", 4);
    images("dog", 10);
    Path inner = data().resolve("cat/persian");
    assertError(() -> Datasets.open(data()), inner, "--nested-folders");
    assertEquals(20, total(Datasets.open(data(), DEFAULT.withNestedFolders(true))));
  }

  @Test
  void whatSystemsLeaveBehind() throws IOException {
    images("a", 5);
    images("b", 5);
    for (String folder : List.of("__MACOSX", "@eaDir", "lost+found", ".ipynb_checkpoints")) {
      images(folder, 1);
      images("a/" + folder, 1);
    }
    for (String file : List.of("Icon\r", "a/Icon\r", "a/._0.png", "a/.DS_Store", "b/Thumbs.db")) {
      text(file, "x");
    }
    assertEquals(List.of("a", "b"), Datasets.open(data()).classNames());
    assertEquals(10, total(Datasets.open(data())));
  }

  @Test
  void oneLevelTooHighOrTooLow() throws IOException {
    images("archive/birds/train/a", 2);
    images("archive/birds/train/b", 2);
    images("archive/birds/test/a", 2);
    Path birds = data().resolve("archive/birds");
    assertError(() -> Datasets.open(data()), data() + ": ", "too high, give " + birds);
    assertError(() -> Datasets.open(data().resolve("archive")), "too high, give " + birds);
    Path low = birds.resolve("train/a");
    assertError(() -> Datasets.open(low), low, "no folder for each class", birds.resolve("train"));
    images("archive/fish/x", 2);
    images("archive/fish/y", 2);
    assertError(() -> Datasets.open(data()), birds + " or " + data().resolve("archive/fish"));
    Path raw = Files.createDirectories(temp.resolve("MNIST/raw"));
    Files.write(raw.resolve("train-images-idx3-ubyte"), new byte[3]);
    assertError(() -> Datasets.open(temp.resolve("MNIST")), "too high, give " + raw);
    Path pickles = Files.createDirectories(temp.resolve("cifar/cifar-10-batches-py"));
    Files.write(pickles.resolve("data_batch_1"), new byte[3]);
    assertError(() -> Datasets.open(temp.resolve("cifar")), "too high, give " + pickles);
  }

  @Test
  void namesInTwoFormsOfUnicode() throws IOException {
    String composed = "\u00C4rger";
    String apart = Normalizer.normalize(composed, Normalizer.Form.NFD);
    images("train/" + composed, 2);
    images("train/b", 2);
    images("test/" + apart, 2);
    ImageDataset data = Datasets.open(data());
    assertEquals(List.of("b", composed), data.classNames());
    assertEquals(List.of(1, 1), labels(data.test()));
    images("train/" + apart, 2);
    assertError(() -> Datasets.open(data()), "second class folder '" + composed, "Unicode");
  }

  @Test
  void aClassMayBeCalledTrain() throws IOException {
    images("train", 5);
    images("ship", 5);
    assertEquals(List.of("ship", "train"), Datasets.open(data()).classNames());
  }

  @Test
  void damagedImagesAreListedAtOnce() throws IOException {
    images("a", 8);
    images("b", 8);
    Path empty = Files.write(data().resolve("a/2.png"), new byte[0]);
    Path page = text("b/5.png", "<html>");
    Path cut = data().resolve("b/1.png");
    byte[] good = Files.readAllBytes(cut);
    good[good.length - 20] ^= 1; // in its pixels: only decoding shows it
    Files.write(cut, good);
    assertError(
        () -> Datasets.open(data()),
        "3 of 16 images cannot be read (--skip-damaged",
        empty + ": is empty",
        page + ": is not a PNG or JPEG",
        cut + ": is a damaged image");
    ImageDataset data = Datasets.open(data(), DEFAULT.withSkipDamaged(true));
    assertEquals(13, total(data));
    assertEquals(3, data.leftOut());
    assertTrue(data.toString().endsWith(", 3 damaged files left out"), data.toString());
    for (int i = 0; i < 8; i++) {
      text("a/%d.png".formatted(i), "");
      text("b/%d.png".formatted(i), "");
    }
    assertError(() -> Datasets.open(data()), "16 of 16 images cannot be read", "; and 6 more");
  }

  // ---- names of classes

  @Test
  void labelsOfAModelByName() throws IOException {
    assertArrayEquals(new int[] {1, 0}, match(List.of("a", "b"), List.of("b", "a")));
    assertArrayEquals(new int[] {1}, match(List.of("a", "b"), List.of("b")));
    assertArrayEquals(new int[] {0}, match(List.of("\u00C4"), List.of("A\u0308")));
    assertError(() -> match(List.of("a", "b"), List.of("b", "c")), "here: class 'c'", "(a, b)");
    assertError(() -> match(List.of("a", "b"), List.of("a", "B")), "class 'B'", "'b'");
    assertError(() -> match(List.of("a", "b"), List.of("0", "1")), "class '0'");
    assertError(() -> match(List.of("a", "a"), List.of("a")), "two classes 'a'");
    Map<String, String> metadata = new HashMap<>();
    assertEquals(Optional.empty(), ClassNames.of(named(metadata), 2));
    ClassNames.put(List.of("a,\"b\"", "\u00C4"), metadata);
    assertEquals(Optional.of(List.of("a,\"b\"", "\u00C4")), ClassNames.of(named(metadata), 2));
    assertError(
        () -> ClassNames.of(named(metadata), 3), "metadata classes does not name the 3 classes");
    for (String damaged : List.of("", "7", "[1", "[\"a\",null]", "{}")) {
      assertError(() -> ClassNames.of(named(Map.of("classes", damaged)), 2), "metadata classes");
    }
    images("b", 10);
    images("c", 10);
    ImageDataset mapped = Datasets.open(data()).withClasses(List.of("c", "a", "b"));
    assertEquals(List.of("c", "a", "b"), mapped.classNames());
    assertEquals(List.of(2, 0), labels(mapped.test()));
  }

  private static int[] match(List<String> model, List<String> data) {
    return ClassNames.match(model, data, "here");
  }

  private static Weights named(Map<String, String> metadata) {
    return new Weights(new LinkedHashMap<>(), metadata);
  }
}
