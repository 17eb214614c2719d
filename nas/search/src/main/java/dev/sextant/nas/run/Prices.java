package dev.sextant.nas.run;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.sextant.nas.cost.CostModel;
import dev.sextant.runtime.AtomicFile;
import dev.sextant.runtime.json.JsonText;
import dev.sextant.runtime.json.SealedJson;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What the costs of a run come from: the files of its cost model, whatever these are, and {@code
 * prices.json} with their checksums. While files are replaced it has those before and after, so
 * that a process may die between.
 *
 * @param directory of the run
 */
public record Prices(Path directory) {
  private static final String FILE = "prices.json";

  /** Where the model puts its files before they take their places. */
  private static final String MAKING = ".prices.tmp";

  private static final String FORMAT = "sextant-prices/1";

  private Path file() {
    return directory.resolve(FILE);
  }

  /**
   * Keeps the files of a model in place of those of the one before.
   *
   * @param model whose {@link CostModel#keep} is called
   * @throws SextantException if they cannot be written, or {@code prices.json} is damaged
   */
  public void keep(CostModel model) {
    Path making = directory.resolve(MAKING);
    if (Files.exists(making)) {
      Folders.delete(making);
    }
    try {
      Files.createDirectory(making);
      try {
        model.keep(making);
        Map<String, Set<String>> after = new TreeMap<>();
        for (Path made : Folders.in(making)) {
          after.put(String.valueOf(made.getFileName()), new TreeSet<>(Set.of(checksum(made))));
        }
        Map<String, Set<String>> between = Files.exists(file()) ? read() : new TreeMap<>();
        between.keySet().retainAll(after.keySet());
        after.forEach(
            (name, sums) -> between.computeIfAbsent(name, _ -> new TreeSet<>()).addAll(sums));
        if (Files.exists(file())) {
          write(between);
        }
        for (String name : after.keySet()) {
          AtomicFile.write(directory.resolve(name), out -> out.write(bytes(making.resolve(name))));
        }
        write(after);
      } finally {
        Folders.delete(making);
      }
    } catch (IOException e) {
      throw AtomicFile.unwritable(directory, e);
    }
  }

  /**
   * Checks the files against their checksums.
   *
   * @throws SextantException naming the file that is missing or damaged
   */
  public void check() {
    read()
        .forEach(
            (name, sums) -> {
              Path file = directory.resolve(name);
              String actual;
              try {
                actual = checksum(file);
              } catch (IOException e) {
                throw new SextantException(file + ": is missing, or cannot be read", e);
              }
              if (!sums.contains(actual)) {
                throw new SextantException(
                    String.format(
                        Locale.ROOT,
                        "%s: is damaged, its SHA-256 is %s, not %s",
                        file,
                        actual,
                        String.join(" or ", sums)));
              }
            });
  }

  private static String checksum(Path file) throws IOException {
    return HexFormat.of().formatHex(SealedJson.digest().digest(Files.readAllBytes(file)));
  }

  private static ByteBuffer bytes(Path file) throws IOException {
    return ByteBuffer.wrap(Files.readAllBytes(file));
  }

  private void write(Map<String, Set<String>> sums) {
    JsonObject files = new JsonObject();
    sums.forEach(
        (name, some) -> {
          JsonArray array = new JsonArray();
          some.forEach(array::add);
          files.add(name, array);
        });
    JsonObject root = new JsonObject();
    root.addProperty("format", FORMAT);
    root.add("files", files);
    AtomicFile.write(file(), SealedJson.write(root, JsonText::print, ""));
  }

  private Map<String, Set<String>> read() {
    String text = JsonText.readFile(file());
    JsonObject root = JsonText.parse(text, file().toString());
    SealedJson.check(root, text, file().toString(), "");
    Map<String, Set<String>> sums = new TreeMap<>();
    try {
      for (Map.Entry<String, JsonElement> entry : root.getAsJsonObject("files").entrySet()) {
        Set<String> some = new TreeSet<>();
        entry.getValue().getAsJsonArray().forEach(sum -> some.add(sum.getAsString()));
        sums.put(entry.getKey(), some);
      }
    } catch (RuntimeException e) {
      throw new SextantException(file() + ": files: is no list of checksums by name", e);
    }
    return sums;
  }
}
