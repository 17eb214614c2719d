package dev.sextant.nas.fuzz;

import static dev.sextant.nas.fuzz.Grammar.bytes;
import static dev.sextant.nas.fuzz.Grammar.text;

import com.google.gson.Gson;
import dev.sextant.nas.cells.CellSamples;
import dev.sextant.nas.compare.TinyComparison;
import dev.sextant.nas.cost.LatencyFiles;
import dev.sextant.nas.cost.LatencyTable;
import dev.sextant.nas.cost.LinearCost;
import dev.sextant.nas.cost.PredictedLatency;
import dev.sextant.nas.data.DataOptions;
import dev.sextant.nas.data.Datasets;
import dev.sextant.nas.data.image.ImageException;
import dev.sextant.nas.data.image.ImageFile;
import dev.sextant.nas.method.PublishedMethod;
import dev.sextant.nas.predict.NasBench201;
import dev.sextant.nas.report.Report;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.RunFile;
import dev.sextant.nas.search.RestoredRun;
import dev.sextant.nas.search.TinyRun;
import dev.sextant.nas.space.CellNetworkSpace;
import dev.sextant.nas.space.Describe;
import dev.sextant.nas.space.GenotypeText;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Architectures;
import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Every reader of files, with inputs that it takes. */
final class Targets implements AutoCloseable {
  private static final long MIB = 1 << 20;

  /** What a text of layers may come to whatever its length: ten thousand layers by "repeat". */
  private static final long LAYERS = 64 * MIB;

  private final Path folder;
  private final Map<String, Target> byName = new LinkedHashMap<>();
  private final RunDirectory run;
  private final RestoredRun restored;

  /** Makes a small finished run, whose files are among the inputs. */
  Targets(Path folder) throws IOException {
    this.folder = folder;
    run = new RunDirectory(folder.resolve("run"));
    restored = new RestoredRun(run);
    texts();
    runs();
    tables();
    tensors();
    images();
  }

  List<String> names() {
    return List.copyOf(byName.keySet());
  }

  Target named(String name) {
    return Objects.requireNonNull(byName.get(name), name);
  }

  private void add(Target target) {
    byName.put(target.name(), target);
  }

  private void folder(String name, Map<String, byte[]> files, boolean zipped) throws IOException {
    add(FolderTarget.of(folder.resolve(name), name, files, zipped));
  }

  private Path write(String name, byte[] input) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(Objects.requireNonNull(file.getParent()));
    return Files.write(file, input);
  }

  private static byte[] read(Path file) throws IOException {
    return Files.readAllBytes(file);
  }

  private void texts() {
    List<byte[]> networks = new ArrayList<>();
    for (String name : List.of("mobilenet-v2", "proxyless-cpu", "darts-v2", "mnasnet-b1")) {
      networks.add(bytes(Architectures.named(name).toJson()));
    }
    networks.add(
        bytes(
            """
            {"format":"sextant-architecture/1","name":"n","classes":4,
             "input":{"height":8,"width":8,"channels":3},"layers":[
             {"op":"fork"},{"op":"conv","kernel":3,"out":8,"norm":"batch","act":"relu6"},
             {"op":"next"},{"op":"sum"},
             {"op":"shuffle","kernel":3,"out":16,"stride":2},
             {"op":"max-pool","kernel":3},{"op":"global-avg-pool"},{"op":"linear","out":4}]}
            """));
    add(
        new Target(
            "architecture",
            networks,
            JsonGrammar.OBJECT,
            input -> {
              Architecture network = Architecture.parse(text(input), "network.json");
              if (!Architecture.parse(network.toJson(), "again").equals(network)) {
                throw new IllegalStateException("reads back as another network");
              }
              Describe.text(network);
            },
            LAYERS,
            2000));
    byte[] genotype =
        bytes(
            """
            # second order
            DARTS_V2 = Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1),
              ('skip_connect', 0), ("dil_conv_3x3", 2),], normal_concat=[2, 3],
              reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2),
              ('max_pool_3x3', 1)], reduce_concat=range(2, 4))
            """);
    add(
        new Target(
            "genotype",
            List.of(genotype),
            CsvGrammar.TABLE,
            input -> GenotypeText.parse(text(input), "genotypes.py"),
            MIB,
            2000));
    List<byte[]> spaces = new ArrayList<>();
    for (String name :
        List.of("proxyless-small", "proxyless-cifar", "single-path-cifar", "tunas-proxyless")) {
      spaces.add(bytes(Space.named(name).toJson()));
    }
    spaces.add(bytes(SearchSpace.named("darts-small").toJson()));
    spaces.add(bytes(SearchSpace.named("pc-darts-small").toJson()));
    add(
        new Target(
            "space",
            spaces,
            JsonGrammar.OBJECT,
            input -> {
              SearchSpace space = SearchSpace.parse(text(input), "space.json");
              if (!SearchSpace.parse(space.toJson(), "again").equals(space)) {
                throw new IllegalStateException("reads back as another space");
              }
              if (space instanceof Space chain) {
                chain.derive(new int[chain.options().length]);
                Describe.text(chain);
              }
            },
            2 * LAYERS,
            4000));
  }

  private void runs() throws IOException {
    RunDirectory other = new RunDirectory(folder.resolve("other"));
    Files.createDirectories(other.path());
    byte[] training =
        bytes(
            """
            {"format":"sextant-training/1","data":"builtin:300","dataOptions":%s,"device":"cpu",
             "vectorBits":256,"config":{"seed":"1","epochs":2,"rate":0.05,
             "batches":{"size":16,"augmentation":"light","labelSmoothing":0.1},
             "descent":{"momentum":0.9,"weightDecay":4e-5,"clip":0},
             "regularization":{"dropout":0,"dropPath":0,"auxiliary":0}},"threads":1,
             "architecture":%s}
            """
                .formatted(
                    new Gson().toJson(DataOptions.DEFAULT), Files.readString(run.architecture())));
    add(
        new Target(
            "run",
            List.of(read(run.run()), older(read(run.run())), training),
            JsonGrammar.OBJECT,
            input -> {
              Files.write(other.run(), input);
              RunFile file = new RunFile(other);
              if (file.isTraining()) {
                file.readTraining();
              } else {
                file.read();
              }
            },
            2 * LAYERS,
            4000));
    // From here on a run of an earlier version, whose files are read although they are changed.
    makeOlder(run);
    add(
        new Target(
            "events",
            List.of(read(run.events())),
            JsonGrammar.LINES,
            reported(run.events(), read(run.events())),
            24 * MIB,
            4000));
    add(
        new Target(
            "result",
            List.of(read(run.result())),
            JsonGrammar.OBJECT,
            reported(run.result(), read(run.result())),
            24 * MIB,
            4000));
    add(
        new Target(
            "checkpoint",
            restored.checkpoints(),
            SafetensorsGrammar.FILE,
            restored::read,
            64 * MIB,
            400));
    Path comparison = folder.resolve("comparison");
    TinyComparison.make(comparison);
    Path file = comparison.resolve("compare.json");
    add(
        new Target(
            "compare",
            List.of(read(file)),
            JsonGrammar.OBJECT,
            input -> {
              Files.write(file, input);
              TinyComparison.again(comparison);
            },
            128 * MIB,
            4000));
  }

  /** A run as earlier versions wrote it, without checksums. */
  static void makeOlder(RunDirectory run) throws IOException {
    for (Path file : List.of(run.run(), run.events(), run.result())) {
      Files.write(file, older(read(file)));
    }
  }

  private static byte[] older(byte[] json) {
    return bytes(
        text(json)
            .replaceAll(",\\s*\"sha256\": ?\"[0-9a-f]{64}\"", "")
            .replace("sextant-run/2", "sextant-run/1"));
  }

  /** The report of the run with another file, which is put back. */
  private Target.Reader reported(Path file, byte[] good) {
    return input -> {
      Files.write(file, input);
      try {
        Report.write(run);
      } finally {
        Files.write(file, good);
      }
    };
  }

  private void tables() throws IOException {
    Space space = (Space) TinyRun.setup(TinyRun.config(1, PublishedMethod.TUNAS.recipe())).space();
    LatencyTable table = LatencyFiles.read(run.latency());
    Path csv = folder.resolve("table.csv");
    LatencyFiles.write(table, csv);
    Target.Reader json = input -> price(LatencyFiles.read(write("read.json", input)), space);
    Target.Reader rows = input -> price(LatencyFiles.read(write("read.csv", input)), space);
    byte[] old =
        bytes(
            """
            {"format":"sextant-latency/1","machine":"m","runtime":"r","device":"cpu","threads":1,
             "batch":1,"overhead_ms":0.1,"scale":1,"entries":[{"op":"mbconv","in_h":8,"in_w":8,
             "in_c":16,"out_h":4,"out_w":4,"out_c":24,"kernel":3,"stride":2,"dilation":1,
             "expand":6,"squeeze_excite":0,"residual":false,"activation":"relu6","ms":0.5,
             "p90_ms":0.6,"count":10},{"op":"cell 2(identity from 0, identity from 1), older [1,16,16,8]",
             "in_h":8,"in_w":8,"in_c":16,"out_h":8,"out_w":8,"out_c":4,"kernel":0,"stride":1,
             "dilation":1,"expand":1,"squeeze_excite":0,"residual":false,"activation":"",
             "ms":0.5,"p90_ms":0.6,"count":10}]}
            """);
    add(
        new Target(
            "table-json",
            List.of(read(run.latency()), old),
            JsonGrammar.OBJECT,
            json,
            8 * MIB,
            2000));
    byte[] pixel =
        bytes(
            """
            type,in_h,in_w,in_c,out_h,out_w,out_c,expand,kernel,stride,idskip,mean_ms,var,count
            Conv,224,224,3,112,112,32,,,,,3.5,0.1,100
            expanded_conv,112,112,32,112,112,16,1,3,1,0,2.5,0.1,100
            Logits,7,7,1280,,,1000,,,,,1.5,0.1,100
            """);
    add(new Target("table-csv", List.of(read(csv), pixel), CsvGrammar.TABLE, rows, 8 * MIB, 2000));
    byte[] yaml =
        bytes(
            """
            # a comment
            Conv-input:224x224x3-output:112x112x32: {count: 982, mean: 4.08, var: 0.25}
            expanded_conv-input:112x112x16-output:56x56x24-expand:3-kernel:5-stride:2-idskip:0:
              count: 159
              mean: 7.519106918238994
            expanded_conv-input:28x28x24-output:28x28x24-expand:96-kernel:5-stride:1-idskip:1-se:1-hs:0: &a {mean: "0.5", std: .nan}
            AvgPool2D-input:7x7x960-output:1x1x960: {mean: 1}
            ? Conv_2-input:1x1x960-output:1x1x1280
            : {count: 3, mean: 1e-2}
            Logits-input:1x1x1280-output:1000: {mean: 1.5}
            """);
    Target.Reader keys = input -> price(LatencyFiles.read(write("read.yaml", input)), space);
    add(new Target("table-yaml", List.of(yaml), CsvGrammar.TABLE, keys, 16 * MIB, 8000));
    add(
        new Target(
            "linear",
            List.of(
                bytes(
                    """
                    layer,op,coef_ms
                    bias,,20.5
                    choice0,mb k3 e6,1.5
                    choice0,mb k5 e6,2.5
                    choice0,zero,-3.5
                    choice1,mb k3 e6,1.5
                    """)),
            CsvGrammar.TABLE,
            input -> LinearCost.read(write("linear.csv", input)),
            MIB,
            400));
    CellNetworkSpace cells = (CellNetworkSpace) SearchSpace.named("darts-small");
    add(
        new Target(
            "cells",
            List.of(
                bytes(
                    """
                    cell,ms
                    "2(separable 3x3 from 0, max-pool 3x3 from 1) 3(identity from 0, identity from 1) 4(identity from 0, dilated 5x5 from 2)",1.5
                    """),
                bytes(
                    """
                    cell,reduction,ms
                    "2(identity from 0, identity from 1) 3(identity from 0, identity from 1) 4(identity from 0, identity from 1)","2(max-pool 3x3 from 0, max-pool 3x3 from 1) 3(identity from 0, identity from 1) 4(identity from 0, identity from 3)",2.5
                    """)),
            CsvGrammar.TABLE,
            input -> CellSamples.read(cells.cells(), write("cells.csv", input)).encoded(),
            MIB,
            1000));
    add(
        new Target(
            "nas-bench-201",
            List.of(
                bytes(
                    """
                    arch,phone
                    |nor_conv_3x3~0|+|skip_connect~0|none~1|+|none~0|none~1|avg_pool_3x3~2|,1.5
                    |nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|none~0|none~1|avg_pool_3x3~2|,2.5
                    """)),
            CsvGrammar.TABLE,
            input -> NasBench201.read(write("bench.csv", input), "phone"),
            MIB,
            1000));
  }

  /** A table that lacks layers of the space is a good one too. */
  private static void price(LatencyTable table, Space space) {
    try {
      table.costs(space);
    } catch (SextantException e) {
      if (!String.valueOf(e.getMessage()).contains("no entry for")) {
        throw e;
      }
    }
  }

  private void tensors() throws IOException {
    Architecture network = Architecture.read(run.architecture());
    add(
        new Target(
            "weights",
            List.of(read(run.weights())),
            SafetensorsGrammar.FILE,
            input -> {
              Weights weights = Weights.read(write("weights.safetensors", input));
              CompiledModel.compile(network, weights).close();
            },
            8 * MIB,
            60));
    add(OnnxTarget.of(read(run.onnx(1)), network));
    Path predictor = folder.resolve("predictor.safetensors");
    restored.predictor(predictor);
    add(
        new Target(
            "predictor",
            List.of(read(predictor)),
            SafetensorsGrammar.FILE,
            input -> PredictedLatency.read(write("read.safetensors", input)).close(),
            8 * MIB,
            60));
  }

  // ---- images

  private void images() throws IOException {
    List<byte[]> pictures = new ArrayList<>();
    for (String line : text(resource("pixels.txt")).lines().toList()) {
      pictures.add(resource(line.split(" ")[0]));
    }
    add(
        new Target(
            "image",
            pictures,
            PngGrammar.IMAGE,
            input -> {
              Path file = write("picture", input);
              try {
                ImageFile.decode(file, input.length % 2 == 0, 16);
              } catch (ImageException e) {
                throw new SextantException(String.valueOf(e.getMessage()), e);
              }
            },
            // 16 bytes for each of 8 million pixels that a file may have whatever its size.
            16 * 8_000_000L + MIB,
            16 * 200 + 8));
    byte[] rows = new byte[4 * 4 * 2];
    rows[3] = 1;
    byte[] labels =
        ByteBuffer.allocate(12 + rows.length).putInt(0x0C02).putInt(4).putInt(2).put(rows).array();
    Map<String, byte[]> idx = new LinkedHashMap<>();
    idx.put("train-images-idx3-ubyte", idx(new byte[24], 4, 2, 3));
    idx.put("train-labels-idx1-ubyte", idx(new byte[] {0, 1, 2, 1}, 4));
    idx.put("t10k-images-idx3-ubyte", idx(new byte[24], 4, 2, 3));
    idx.put("t10k-labels-idx2-int", labels);
    idx.put("classes.txt", bytes("one\ntwo\nthree\n"));
    folder("idx", idx, false);
    folder("idx-gz", idx, true);
    Map<String, byte[]> cifar = new LinkedHashMap<>();
    cifar.put("train.bin", new byte[2 * 3073]);
    cifar.put("test.bin", new byte[3073]);
    folder("cifar", cifar, false);
    folder("cifar-gz", cifar, true);
    Map<String, byte[]> emnist = new LinkedHashMap<>();
    emnist.put("emnist-letters-train-images-idx3-ubyte", idx(new byte[24], 4, 2, 3));
    emnist.put("emnist-letters-train-labels-idx1-ubyte", idx(new byte[] {0, 1, 2, 1}, 4));
    emnist.put("emnist-letters-test-images-idx3-ubyte", idx(new byte[24], 4, 2, 3));
    emnist.put("emnist-letters-test-labels-idx1-ubyte", idx(new byte[] {0, 1, 2, 1}, 4));
    emnist.put("emnist-letters-mapping.txt", bytes("0 65 97\n1 66 98\n2 67 99\n"));
    folder("emnist", emnist, false);
    byte[] png = resource("gray-1.png");
    add(PackTarget.of(folder.resolve("packs"), png));
    Path tree = folder.resolve("lists");
    for (String name : List.of("train/a/0.png", "train/b/1.png", "val/2.png", "val/3.png")) {
      write("lists/" + name, png);
    }
    Path list = tree.resolve("val").resolve("val_annotations.txt");
    add(
        new Target(
            "image-list",
            List.of(
                bytes("2.png\ta\t0\t0\t63\t63\n3.png\tb\t0\t0\t63\t63\n"),
                bytes("ImageId,PredictionString\n2,a 1 2 3 4\n3,b 1 2 3 4\n"),
                bytes("2.png 0\n3.png 1\n")),
            CsvGrammar.TABLE,
            input -> {
              Files.write(list, input);
              Datasets.open(tree);
            },
            4 * MIB,
            400));
  }

  private static byte[] idx(byte[] elements, int... sizes) {
    ByteBuffer file = ByteBuffer.allocate(4 + 4 * sizes.length + elements.length);
    file.putInt(0x0800 | sizes.length);
    for (int size : sizes) {
      file.putInt(size);
    }
    return file.put(elements).array();
  }

  private static byte[] resource(String name) throws IOException {
    try (InputStream in = ImageFile.class.getResourceAsStream(name)) {
      return Objects.requireNonNull(in, name).readAllBytes();
    }
  }

  @Override
  public void close() {
    restored.close();
  }
}
