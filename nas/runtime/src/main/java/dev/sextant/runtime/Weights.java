package dev.sextant.runtime;

import com.google.gson.Gson;
import com.google.gson.JsonParseException;
import dev.sextant.runtime.event.LoadEvent;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;

/**
 * Named float tensors with text beside them, in memory and on disk: trained weights, checkpoints.
 *
 * <p>On disk they are one file in the safetensors format (8 bytes of header length, a JSON header,
 * little-endian data); every bit of every float survives, NaN payloads included. NaN is legal here,
 * since a checkpoint of a search that went wrong may need it; {@link CompiledModel} refuses it.
 *
 * <p>The maps cannot be changed; the arrays are those given, not copies, and must not be written
 * once shared. Safe to read from any thread.
 */
public final class Weights {
  private static final int LISTED = 5;

  /** The metadata key under which {@link #write} keeps the checksum of data and metadata. */
  public static final String CHECKSUM = "sha256";

  /**
   * The metadata key that {@link #write} adds: a file that has it and no checksum is damaged. Files
   * of earlier versions and of other programs do not have it.
   */
  public static final String VERSION = "sextant-weights";

  /**
   * The metadata key of the {@link Architecture#sha256} of the network that tensors are of; {@link
   * CompiledModel} refuses another.
   */
  public static final String ARCHITECTURE = "architecture";

  /** The key of the metadata that holds the names of the classes: a JSON array. */
  public static final String CLASSES = "classes";

  private final SequencedMap<String, Entry> entries;
  private final Map<String, String> metadata;

  /**
   * One tensor.
   *
   * @param shape its extents
   * @param values its elements, row-major
   */
  public record Entry(Shape shape, float[] values) {
    /** Checks that there are as many values as the shape holds. */
    public Entry {
      if (values.length != shape.size()) {
        throw new SextantException(
            String.format(Locale.ROOT, "weights: %d values for shape %s", values.length, shape));
      }
    }

    /** Some of the channels, which are the last extent. */
    Entry columns(int from, int count) {
      int channels = shape.channels();
      float[] some = new float[values.length / channels * count];
      for (int i = 0; i < some.length; i++) {
        some[i] = values[i / count * channels + from + i % count];
      }
      return new Entry(shape.withChannels(count), some);
    }
  }

  /**
   * Tensors in the order in which they are written, and metadata.
   *
   * @param entries by name
   * @param metadata text by key
   * @throws SextantException if a tensor is named {@code __metadata__}
   */
  public Weights(SequencedMap<String, Entry> entries, Map<String, String> metadata) {
    if (entries.containsKey(SafetensorsHeader.METADATA)) {
      throw new SextantException("weights: a tensor cannot be named " + SafetensorsHeader.METADATA);
    }
    this.entries = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(entries));
    this.metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
  }

  /** {@return the tensors by name, in the order of the file} */
  public SequencedMap<String, Entry> entries() {
    return entries;
  }

  /**
   * {@return the text kept with them; {@link #CHECKSUM} is present where it was read from a file}
   */
  public Map<String, String> metadata() {
    return metadata;
  }

  /**
   * {@return the tensor of that name}
   *
   * @param name of a tensor
   * @throws SextantException if there is none
   */
  public Entry get(String name) {
    Entry entry = entries.get(name);
    if (entry == null) {
      throw new SextantException(
          String.format(Locale.ROOT, "weights: there is no tensor named '%s'", name));
    }
    return entry;
  }

  /**
   * {@return the names of the classes, in the order of the logits; empty where the metadata has
   * none}
   *
   * @throws SextantException if they are damaged
   */
  public List<String> classNames() {
    String text = metadata.get(CLASSES);
    if (text == null) {
      return List.of();
    }
    try {
      String[] names = new Gson().fromJson(text, String[].class);
      if (names != null && !Arrays.asList(names).contains(null)) {
        return List.of(names);
      }
    } catch (JsonParseException e) {
      // Said below.
    }
    throw new SextantException(
        String.format(Locale.ROOT, "weights: metadata %s is no list of names", CLASSES));
  }

  /**
   * {@return the same tensors with one more piece of metadata, or another value for it}
   *
   * @param key of the metadata
   * @param value its text
   */
  public Weights withMetadata(String key, String value) {
    Map<String, String> changed = new LinkedHashMap<>(metadata);
    changed.put(key, value);
    return new Weights(entries, changed);
  }

  /**
   * Checks that these are the tensors of a network, of finite numbers, and where they say of which,
   * of this one.
   *
   * @param architecture the network
   * @throws SextantException if they were trained in another architecture; or naming the tensors
   *     that are missing, superfluous, of another shape or not finite
   */
  public void check(Architecture architecture) {
    String of = metadata.get(ARCHITECTURE);
    if (of != null && !of.equals(architecture.sha256())) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: the weights were trained in another architecture (SHA-256 %s, this is %s)",
              architecture.name(),
              of,
              architecture.sha256()));
    }
    SequencedMap<String, Shape> expected = WeightNames.of(architecture);
    List<String> missing = new ArrayList<>();
    for (Map.Entry<String, Shape> tensor : expected.entrySet()) {
      Weights.Entry entry = entries.get(tensor.getKey());
      if (entry == null) {
        missing.add(tensor.getKey());
      } else if (!entry.shape().equals(tensor.getValue())) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "%s: weights '%s' must be %s (it is %s)",
                architecture.name(),
                tensor.getKey(),
                tensor.getValue(),
                entry.shape()));
      } else {
        checkFinite(architecture, tensor.getKey(), entry.values());
      }
    }
    refuse(architecture, "lack", missing);
    List<String> superfluous = new ArrayList<>(entries.keySet());
    superfluous.removeAll(expected.keySet());
    refuse(architecture, "have, beyond what the network takes,", superfluous);
  }

  private static void refuse(Architecture architecture, String verb, List<String> names) {
    if (!names.isEmpty()) {
      String listed = String.join(", ", names.subList(0, Math.min(LISTED, names.size())));
      String more =
          names.size() > LISTED
              ? String.format(Locale.ROOT, " and %d more", names.size() - LISTED)
              : "";
      throw new SextantException(
          String.format(
              Locale.ROOT, "%s: the weights %s %s%s", architecture.name(), verb, listed, more));
    }
  }

  private static void checkFinite(Architecture architecture, String name, float[] values) {
    for (int i = 0; i < values.length; i++) {
      if (!Float.isFinite(values[i])) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "%s: weights '%s' hold %s at %d",
                architecture.name(),
                name,
                values[i],
                i));
      }
    }
  }

  /**
   * Reads a safetensors file, whose tensors are F32, F16, BF16 or I64 and become floats, and
   * verifies its checksum where it has one.
   *
   * @param path of the file
   * @return the tensors and the metadata
   * @throws SextantException naming the file and the defect: missing or truncated file, a header
   *     that is no JSON of the right form, offsets that overlap, leave holes or pass the end, a
   *     shape that does not fit its bytes, duplicate names, another element type, a checksum that
   *     differs or, of a file of this version, is gone
   */
  public static Weights read(Path path) {
    LoadEvent event = new LoadEvent();
    event.begin();
    Weights weights = Safetensors.read(path);
    event.file = path.toString();
    event.tensors = weights.entries.size();
    event.commit();
    return weights;
  }

  /**
   * Writes a safetensors file with a fresh checksum, as {@link AtomicFile} does: the path holds the
   * old file or the whole new one.
   *
   * @param path of the file
   * @return the checksum
   * @throws SextantException naming the file if it cannot be written
   */
  public String write(Path path) {
    return Safetensors.write(this, path, SafetensorsHeader.Type.F32);
  }

  /**
   * Writes the same with every float as the nearest of 16 bits, which takes half the room.
   *
   * @param path of the file
   * @return the checksum
   * @throws SextantException naming the file if it cannot be written
   */
  public String writeHalves(Path path) {
    return Safetensors.write(this, path, SafetensorsHeader.Type.F16);
  }

  /** {@return the checksum that {@link #write} gives a file of these tensors and metadata} */
  public String checksum() {
    return Safetensors.checksum(this);
  }

  /**
   * {@return a kernel with a batch norm folded into it, and its bias: w' = w gamma / sqrt(variance
   * + epsilon) and b' = beta - mean gamma / sqrt(variance + epsilon)}
   *
   * @param kernel whose last extent are channels of the norm
   * @param norm what the names of the norm's tensors start with
   * @param epsilon added to the variance
   * @param from the first of those channels
   * @throws SextantException if a variance is negative
   */
  public List<Entry> folded(Entry kernel, String norm, double epsilon, int from) {
    float[] gamma = get(norm + "gamma").values();
    float[] beta = get(norm + "beta").values();
    float[] mean = get(norm + "mean").values();
    float[] variance = get(norm + "variance").values();
    int channels = kernel.shape().channels();
    double[] factor = new double[channels];
    float[] bias = new float[channels];
    for (int c = 0; c < channels; c++) {
      int n = from + c;
      if (variance[n] < 0) {
        throw new SextantException(
            String.format(Locale.ROOT, "%svariance[%d]: %s is negative", norm, n, variance[n]));
      }
      factor[c] = gamma[n] / Math.sqrt(variance[n] + epsilon);
      bias[c] = normalOrZero(beta[n] - mean[n] * factor[c]);
    }
    float[] values = new float[kernel.values().length];
    for (int i = 0; i < values.length; i++) {
      values[i] = normalOrZero(kernel.values()[i] * factor[i % channels]);
    }
    return List.of(new Entry(kernel.shape(), values), new Entry(Shape.of(channels), bias));
  }

  /** Weight decay drives dead channels' gammas to denormals, which cost a hundred cycles each. */
  private static float normalOrZero(double value) {
    return Math.abs(value) < Float.MIN_NORMAL ? 0 : (float) value;
  }

  /**
   * {@return weights to measure a network that is not trained: convolutions normal with variance 2
   * / fan-in (He et al., 2015), batch norm the identity (mean 0, variance 1), biases 0, and pixels
   * as they are, from 0 to 1} Activations keep their scale through the network, so that no denormal
   * slows a measurement down.
   *
   * @param architecture the network
   * @param seed of the random numbers
   */
  public static Weights random(Architecture architecture, long seed) {
    int channels = architecture.input().channels();
    return random(WeightNames.of(architecture), seed)
        .withMetadata(CompiledModel.MEAN, String.join(",", Collections.nCopies(channels, "0")))
        .withMetadata(
            CompiledModel.DEVIATION, String.join(",", Collections.nCopies(channels, "1")));
  }

  static Weights random(SequencedMap<String, Shape> shapes, long seed) {
    SequencedMap<String, Entry> entries = new LinkedHashMap<>();
    int index = 0;
    for (Map.Entry<String, Shape> tensor : shapes.entrySet()) {
      Shape shape = tensor.getValue();
      String name = tensor.getKey();
      float[] values = new float[shape.size()];
      if (name.endsWith("weight")) {
        normal(Rng.of(seed, index), Math.sqrt(2.0 / fanIn(shape)), values);
      } else if (name.endsWith("gamma") || name.endsWith("variance")) {
        java.util.Arrays.fill(values, 1);
      }
      entries.put(name, new Entry(shape, values));
      index++;
    }
    return new Weights(entries, Map.of());
  }

  static void normal(Rng rng, double deviation, float[] values) {
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (deviation * rng.nextGaussian());
    }
  }

  /** {@code [k,k,C]} is depthwise: k k taps; otherwise all but the last extent feed an output. */
  private static int fanIn(Shape shape) {
    return shape.rank() == 3 ? shape.get(0) * shape.get(1) : shape.rows();
  }
}
