package dev.sextant.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.cost.LatencyFiles;
import dev.sextant.nas.cost.LatencyTable;
import dev.sextant.runtime.layer.MbConv;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** What a user gets wrong ends in one line, and leaves nothing behind. */
@Tag("long")
class BadInputTest {
  @TempDir private Path directory;
  private Path out = Path.of("");
  private Path table = Path.of("");

  @BeforeEach
  void paths() {
    out = directory.resolve("out");
    table = CheapTable.write(directory.resolve("table.json"));
  }

  private Command search(Object... more) {
    Object[] fixed = {
      "search", "--data=builtin:400", "--table", table, "--out", out, "--threads=1"
    };
    Object[] all = Arrays.copyOf(fixed, fixed.length + more.length);
    System.arraycopy(more, 0, all, fixed.length, more.length);
    // The last of two values of an option would be refused by itself.
    if (Arrays.stream(more).anyMatch(option -> option.toString().startsWith("--data="))) {
      all[1] = "--momentum=0.9";
    }
    Command command = Command.run(all);
    assertFalse(Files.exists(out), "half a run was left behind");
    return command;
  }

  @Test
  void options() {
    Command.run("serach").refused("serach");
    Command.run("search", "--bugdet=1ms").refused("--bugdet");
    search("--budget=fast").refused("'fast'");
    search("--method=evolution").refused("evolution");
    search("--seed=pi").refused("--seed", "'pi'");
    search("--momentum=2").refused("momentum: 2.0");
    search("--epochs=0").refused("epochs: 0");
    search("--workers=2").refused("--master");
    search("--master=local[2]", "--workers=7").refused("7 cannot share batches of");
    search("--master=local[2]").refused("local[2]", "Spark part");
    Command.run("sweep", "--master=local[2]", "--out", out).refused("local[2]", "Spark part");
    Command.run("pack", "builtin:100", "--compressed", "--out", out).refused("no PNG or JPEG");
    search("--threads=100000").refused("'100000' is not a number of threads, 1 to 1024");
    search("--validation-fraction=0").refused("validation-fraction");
    search("--quiet-epochs=9").refused("quiet-epochs: 9");
    search("--augmentation=much").refused("'much'");
    search("--device=cuda").refused("cuda");
    search("--device=C:").refused("'C:'");
    search("--space=no-such").refused("\"no-such\"", "proxyless-small");
    search("--space=no\0name").refused("no?name: no file can have that name");
    Command.run("profile", "--space=proxyless-small").refused("--out", "--table");
    Command.run("profile", "--space=proxyless-small", "--input=0x9x1", "--out=t.csv")
        .refused("'--input': input: an image of 0 x 9 pixels is not between 1 and 16384");
    Command.run("compare", "--methods=,", "--data=builtin:100", "--budget=1ms", "--out", out)
        .refused("methods: none is given");
    Command.run("profile", "--space=proxyless-small", "--out", directory).refused(directory);
    Path nowhere = directory.resolve("none/table.json");
    Command.run("profile", "--space=proxyless-small", "--out", nowhere).refused(nowhere);
    Command.run("profile", "--space=proxyless-small", "--table", table).refused("--check");
    Command.run("profile", "--space=proxyless-small", "--table", table, "--check=2", "--batch=3")
        .refused("batch: 3");
  }

  /** What means nothing is refused with the reason and what to give instead. */
  @Test
  void combinations() {
    search("--supernet=collapsed").refused("policy gates", "--supernet multi-path");
    search("--objective=soft").refused("policy gates", "accuracy has none", "absolute");
    search("--policy=darts").refused("multi-path with policy darts", "--supernet cells");
    search("--cost=measured").refused("policy gates", "measured");
    search("--method=random", "--policy=reinforce").refused("--method random");
    search("--method=random", "--cost=measured").refused("measured");
    search("--method=tunas", "--objective=accuracy").refused("--method random");
    search("--policy=gates-reinforce", "--gates=two-path").refused("two-path");
    search("--second-order").refused("second-order", "policy gates", "la-darts");
    search("--prediction-noise=0.1").refused("prediction-noise", "cost latency");
    search("--method=tunas", "--retrain-epochs=0").refused("retrain-epochs: 0");
    search("--inherit-weights", "--from-scratch").refused("one or the other");
    search("--method=random", "--inherit-weights").refused("no supernet");
    search("--method=random", "--teacher-weight=0.5").refused("no supernet");
    search("--teacher-temperature=3").refused("without a teacher");
    search("--teacher-weight=2").refused("teacher-weight");
    search("--method=random", "--random-samples=0").refused("random-samples: 0");
    search("--method=tunas", "--samples=0").refused("samples: 0");
    search("--cost=linear").refused("table.json", "linear model");
    search("--cost=macs", "--budget=2ms").refused("'ms' is no unit of MACs");
    search("--budget=2M").refused("'M' is no unit of ms");
    search("--budget=2ms@p98").refused("'2ms@p98' is no budget such as 1.5ms, 2ms@p99");
    search("--cost=macs", "--budget=2M@p99").refused("there is no p99 of MACs");
    search("--budget=1ms@p99,2ms").refused("budgets of one percentile, not of [p99, p50]");
    search("--budget=2ms@p99").refused("its latencies are the p50 of networks", "of the p99");
    search("--space=tunas-mobilenet-v3", "--cost=macs").refused("collapsed weights");
    // Before any latency is measured: there is no table.
    measuring("--method=single-path", "--space=proxyless-tree-small")
        .refused("superkernel: layers[", "no depthwise kernel");
    measuring("--method=single-path", "--space=tunas-proxyless-enlarged")
        .refused("superkernel", "collapsed weights");
    measuring("--space=tunas-proxyless-enlarged").refused("multi-path", "collapsed weights");
  }

  /** A search that would begin by measuring layers; refused with nothing printed before. */
  private Command measuring(Object... options) {
    Object[] all = Arrays.copyOf(options, options.length + 3);
    all[options.length] = "--data=builtin:400";
    all[options.length + 1] = "--out=" + out;
    all[options.length + 2] = "--threads=1";
    Object[] searched = new Object[all.length + 1];
    searched[0] = "search";
    System.arraycopy(all, 0, searched, 1, all.length);
    Command command = Command.run(searched);
    assertEquals("", command.out());
    assertFalse(Files.exists(out), "half a run was left behind");
    return command;
  }

  /** Cells: what has no mixture, no table or no weights to keep, and files that do not fit. */
  @Test
  void cells() throws Exception {
    String[] small = {"search", "--data=builtin:200", "--threads=1", "--method=la-darts"};
    cells(small, "--objective=soft").refused("policy darts", "accuracy has none", "absolute");
    cells(small, "--policy=gates").refused("supernet cells with policy gates", "la-darts");
    cells(small, "--policy=thresholds").refused("cells with policy thresholds", "reinforce");
    cells(small, "--cost=latency").refused("policy darts with cost latency", "--cost predicted");
    cells(small, "--cost=parameters").refused("policy darts with cost parameters", "macs");
    cells(small, "--policy=reinforce", "--cost=measured").refused("measured", "--cost predicted");
    cells(small, "--policy=controller", "--cost=linear").refused("linear", "--cost predicted");
    cells(small, "--space=proxyless-small").refused("chain of layers", "--space darts-small");
    cells(small, "--space=pc-darts-small").refused("partial channels", "partial-cells");
    cells(small, "--cost=macs", "--inherit-weights").refused("supernet of cells has no weights");
    cells(small, "--cost=macs", "--optimizer=rmsprop").refused("optimizer rmsprop with cells");
    cells(small, "--cost=macs", "--budget=1k").refused("budget", "1,000 MACs", "darts-small");
    cells(small, "--cost=macs", "--auxiliary=0.4", "--depth=4").refused("8x8");
    cells(small, "--cost=macs", "--drop-path=1").refused("drop-path: 1.0");
    cells(small, "--cost=macs", "--search-images=0").refused("search-images");
    cells(small, "--depth=2").refused("networks of 2 cells");
    cells(small, "--predictor-samples=3").refused("predictor-samples: 3");
    cells(small, "--prediction-noise=-1", "--cost=macs").refused("prediction-noise: -1.0");
    Path wrong = Files.writeString(directory.resolve("cells.csv"), "cell,ms\nnone,1\n");
    cells(small, "--table=" + wrong).refused("cells.csv: line 2");
    Path none = Files.writeString(directory.resolve("lpm.safetensors"), "nothing");
    cells(small, "--table=" + none).refused("lpm.safetensors");
    search("--width=8").refused("width, depth", "proxyless-small");
    search("--cost=predicted").refused("cost predicted", "--cost latency");
    Command.run("profile", "--space=darts-small", "--out", directory.resolve("t.json"))
        .refused("darts-small", "sextant predictor");
    Command.run("describe", "pc-darts-cifar").refused("--space", "--architecture");
    Command.run("describe", "--space=darts-small", "--table", table).refused("no table of layers");
    Command.run("describe", "darts-small", "--input=30x30x1").refused("multiples of 4");
  }

  private Command cells(String[] fixed, Object... more) {
    Object[] all = Arrays.copyOf(fixed, fixed.length + more.length + 2, Object[].class);
    System.arraycopy(more, 0, all, fixed.length, more.length);
    all[all.length - 2] = "--out";
    all[all.length - 1] = out;
    Command command = Command.run(all);
    assertFalse(Files.exists(out), "half a run was left behind");
    return command;
  }

  @Test
  void aBudgetNoNetworkMeetsIsToldTheRange() {
    var cost = CheapTable.of(CheapTable.space()).costs(CheapTable.space());
    String low = "%.4g".formatted(cost.minimum());
    String high = "%.4g".formatted(cost.maximum());
    search("--budget=1ns".replace("ns", "us")).refused("budget", low, high);
    search("--budget=10s").refused("budget", low, high);
  }

  @Test
  void outputsThatCannotBeWritten() throws Exception {
    Path file = Files.writeString(directory.resolve("file"), "x");
    Command.run("search", "--data=builtin:400", "--table", table, "--out", file).refused(file);
    Path below = file.resolve("run");
    Command.run("search", "--data=builtin:400", "--table", table, "--out", below).refused(below);
    Path full = Files.createDirectory(directory.resolve("full"));
    Files.writeString(full.resolve("notes.txt"), "mine");
    Command.run("search", "--data=builtin:400", "--table", table, "--out", full)
        .refused(full, "other files");
    assertEquals(Set.of("notes.txt"), names(full));
  }

  /**
   * Permissions promise that a file can be made there. It is refused before a layer is measured.
   */
  @Test
  @EnabledOnOs(OS.LINUX)
  void anOutputThatOnlySeemsWritable() {
    Command search = Command.run("search", "--data=builtin:400", "--out=/proc/x");
    search.refused("/proc/x");
    assertFalse(search.out().contains("latency table"), search.out());
  }

  @Test
  void directoriesThatAreNoRun() throws Exception {
    Command.run("resume", directory).refused(directory, "run.json is missing");
    Command.run("resume", directory.resolve("none")).refused("none", "run.json is missing");
    Command.run("resume").refused("DIR");
    Command.run("eval", "--model", directory).refused(directory, "architecture.json");
    Files.writeString(directory.resolve("run.json"), "");
    Command.run("resume", directory).refused("run.json", "not JSON");
  }

  @Test
  void tables() throws Exception {
    LatencyTable whole = CheapTable.of(CheapTable.space());
    Map<LatencyTable.Key, LatencyTable.Entry> entries = new LinkedHashMap<>(whole.entries());
    LatencyTable.Key gone =
        entries.keySet().stream().filter(key -> key.layer() instanceof MbConv).toList().get(3);
    entries.remove(gone);
    LatencyFiles.write(
        new LatencyTable(whole.setting(), 0, 1, new LinkedHashMap<>(entries)), table);
    search().refused("no entry for " + gone);

    String text = LatencyFiles.read(table).toString();
    assertFalse(text.isEmpty());
    String json = Files.readString(CheapTable.write(table));
    for (String[] change :
        new String[][] {
          {"\"ms\": ", "\"ms\": -", "ms"},
          {"\"input\": \"", "\"input\": \"1e", "entries[0]"},
          {"\"stride\"", "\"strode\"", "entries[1].layer"},
          {"sextant-latency/2", "sextant-latency/9", "format"},
          {"\"scale\": 1", "\"scale\": 0", "scale"},
          {"\"entries\"", "\"entires\"", "entries"},
          {"{", "", "not JSON"},
        }) {
      assertTrue(json.contains(change[0]), change[0]);
      Files.writeString(
          table, json.replaceFirst(java.util.regex.Pattern.quote(change[0]), change[1]));
      search().refused(table, change[2]);
    }
    Files.delete(table);
    search().refused(table, "no such file");
    Files.createDirectory(table);
    search().refused(table);
  }

  @Test
  void data() throws Exception {
    Path data = directory.resolve("data");
    search("--data=" + data).refused(data);
    Files.createDirectory(data);
    search("--data=" + data).refused(data, "no images");
    search("--data=builtin:3").refused("builtin:3");
    search("--data=builtin:x").refused("builtin:x");

    Path images = data.resolve("train-images-idx3-ubyte");
    Path labels = data.resolve("train-labels-idx1-ubyte");
    byte[] pixels = idx(new byte[20 * 28 * 28], 20, 28, 28);
    byte[] classes = new byte[20];
    for (int i = 0; i < 20; i++) {
      classes[i] = (byte) (i % 10);
    }
    Files.write(images, pixels);
    Files.write(data.resolve("t10k-images-idx3-ubyte"), pixels);
    Files.write(data.resolve("t10k-labels-idx1-ubyte"), idx(classes, 20));
    search("--data=" + data).refused("train-labels");
    Files.write(labels, idx(classes, 20));

    Files.write(images, Arrays.copyOf(pixels, pixels.length - 1));
    search("--data=" + data).refused(images, "truncated");
    Files.write(images, Arrays.copyOf(pixels, pixels.length + 1));
    search("--data=" + data).refused(images, "too long");
    Files.write(images, "<html>404 not found</html>".getBytes());
    search("--data=" + data).refused(images);
    Files.write(images, idx(new byte[0], Integer.MAX_VALUE, 1 << 20, 1 << 20));
    search("--data=" + data).refused(images);
    Files.write(images, pixels);
    Files.write(labels, idx(Arrays.copyOf(classes, 19), 19));
    search("--data=" + data).refused("19", "20");
    Files.delete(labels);
    Files.write(data.resolve("train-labels-idx1-ubyte.gz"), new byte[] {1, 2, 3});
    search("--data=" + data).refused("train-labels-idx1-ubyte.gz");

    Path folder = directory.resolve("folder");
    for (String name : List.of("cat", "dog")) {
      Files.createDirectories(folder.resolve(name));
      Files.writeString(folder.resolve(name).resolve("a.png"), "this is no image");
    }
    search("--data=" + folder).refused("a.png");
  }

  @Test
  void tooSmallAHeapEndsInOneLineThatNamesTheOption() throws Exception {
    List<String> jvm = List.of("-Xmx48m", "--add-modules", "jdk.incubator.vector");
    Command.inJvm(
            jvm, "search", "--data=builtin:400", "--table", table, "--out", out, "--batch=256")
        .refused("-Xmx");
    Path second = directory.resolve("second");
    Command.inJvm(jvm, "search", "--data=builtin:1000000", "--table", table, "--out", second)
        .refused("-Xmx");
    assertFalse(Files.exists(second));
  }

  private static byte[] idx(byte[] elements, int... sizes) {
    ByteBuffer file = ByteBuffer.allocate(4 + 4 * sizes.length + elements.length);
    file.putInt(0x0800 | sizes.length);
    for (int size : sizes) {
      file.putInt(size);
    }
    return file.put(elements).array();
  }

  private static Set<String> names(Path folder) throws Exception {
    try (var files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).collect(Collectors.toSet());
    }
  }
}
