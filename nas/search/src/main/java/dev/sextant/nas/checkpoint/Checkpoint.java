package dev.sextant.nas.checkpoint;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.sextant.autograd.optim.Optimizer;
import dev.sextant.runtime.AtomicFile;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.Memory.Category;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;
import java.util.TreeMap;
import java.util.function.Function;

/**
 * Everything a run needs to continue bit for bit: tensors by name and small values as JSON, in one
 * safetensors file that is written beside the old one, synced and renamed over it, with a checksum.
 */
public final class Checkpoint {
  private static final String STATE = "state";

  private final Backend backend;
  private final SequencedMap<String, Weights.Entry> tensors;
  private final JsonObject state;

  private Checkpoint(
      Backend backend, SequencedMap<String, Weights.Entry> tensors, JsonObject state) {
    this.backend = backend;
    this.tensors = tensors;
    this.state = state;
  }

  /**
   * {@return an empty one, to be filled and written}
   *
   * @param backend where the tensors lie
   */
  public static Checkpoint empty(Backend backend) {
    return new Checkpoint(backend, new LinkedHashMap<>(), new JsonObject());
  }

  /**
   * Reads one back.
   *
   * @param file a safetensors file
   * @param backend where the tensors lie
   * @return the checkpoint
   * @throws SextantException if the file is missing, damaged, or no checkpoint
   */
  public static Checkpoint read(Path file, Backend backend) {
    Weights weights = Weights.read(file);
    String text = weights.metadata().get(STATE);
    if (text == null) {
      throw new SextantException(file + ": not a checkpoint of a run");
    }
    try {
      JsonObject state = JsonParser.parseString(text).getAsJsonObject();
      return new Checkpoint(backend, new LinkedHashMap<>(weights.entries()), state);
    } catch (JsonParseException | IllegalStateException e) {
      throw new SextantException(file + ": the state of the checkpoint is not JSON", e);
    }
  }

  /**
   * Replaces the file with this checkpoint, atomically; makes its folder, if there is none.
   *
   * @param file a safetensors file
   */
  public void write(Path file) {
    try {
      Files.createDirectories(file.toAbsolutePath().getParent());
    } catch (IOException e) {
      throw AtomicFile.unwritable(file, e);
    }
    new Weights(tensors, Map.of(STATE, state.toString())).write(file);
  }

  /**
   * Saves which run it is of and how far its log goes.
   *
   * @param run its identity
   * @param events where its log ends
   */
  public void putRun(String run, EventLog.Position events) {
    state.addProperty("run", run);
    state.addProperty("events", events.length());
    state.addProperty("lastEvent", events.checksum());
  }

  /**
   * How far the log of its run goes.
   *
   * @param run the identity of the run that it is to continue
   * @param file of the checkpoint, for messages
   * @return where its log ends
   * @throws SextantException if it is another run's
   */
  public EventLog.Position getRun(String run, Path file) {
    // Checkpoints of earlier versions do not say.
    if (state.has("run") && !getText("run").equals(run)) {
      throw new SextantException(file + ": is the checkpoint of another run");
    }
    return new EventLog.Position(
        getLong("events", 0, Long.MAX_VALUE), state.has("lastEvent") ? getText("lastEvent") : "");
  }

  /** {@return small values; numbers are written in full, longs as strings} */
  public JsonObject state() {
    return state;
  }

  private JsonElement get(String name) {
    JsonElement element = state.get(name);
    if (element == null) {
      throw new SextantException("checkpoint: '" + name + "' is missing");
    }
    return element;
  }

  /** What a value is as another type, of which Gson says in many ways that it is none. */
  private static <T> T as(String name, JsonElement value, Function<JsonElement, T> type) {
    try {
      return type.apply(value);
    } catch (UnsupportedOperationException
        | IllegalStateException
        | ArithmeticException
        | NumberFormatException e) {
      throw new SextantException("checkpoint: '" + name + "' is not what it was written as", e);
    }
  }

  /**
   * {@return an object that {@link #state} must have}
   *
   * @param name of the object
   */
  public JsonObject getObject(String name) {
    return as(name, get(name), JsonElement::getAsJsonObject);
  }

  /**
   * {@return a text that {@link #state} must have}
   *
   * @param name of the text
   */
  public String getText(String name) {
    return as(name, get(name), json -> json.getAsJsonPrimitive().getAsString());
  }

  /**
   * {@return a whole number that {@link #state} must have}
   *
   * @param name of the number
   * @param least that it can be
   * @param most that it can be
   */
  public long getLong(String name, long least, long most) {
    return whole(name, get(name), least, most);
  }

  private static long whole(String name, JsonElement value, long least, long most) {
    long number = as(name, value, json -> json.getAsBigDecimal().longValueExact());
    if (number < least || number > most) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "checkpoint: '%s' is %d, not between %d and %d",
              name,
              number,
              least,
              most));
    }
    return number;
  }

  /**
   * Saves copies of tensors under a prefix.
   *
   * @param prefix what the names of its tensors begin with
   * @param named tensors by name
   * @throws SextantException if a value is not finite: such a checkpoint must not replace a good
   *     one
   */
  public void putTensors(String prefix, Map<String, Tensor> named) {
    named.forEach(
        (name, tensor) -> {
          float[] values = new float[tensor.size()];
          backend.download(tensor, values, 0);
          checkFinite("training", prefix + name, values);
          tensors.put(prefix + name, new Weights.Entry(tensor.shape(), values));
        });
  }

  /**
   * Names a tensor in which training has gone wrong.
   *
   * @param stage what is being trained, for the message
   * @param name of the tensor
   * @param values of the tensor
   */
  public static void checkFinite(String stage, String name, float[] values) {
    for (float value : values) {
      if (!Float.isFinite(value)) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "%s: %s has become %s; a lower learning rate may help",
                stage,
                name,
                value));
      }
    }
  }

  /**
   * Copies saved tensors into these, which must all be there in the same shapes.
   *
   * @param prefix what the names of its tensors begin with
   * @param named tensors by name
   */
  public void getTensors(String prefix, Map<String, Tensor> named) {
    named.forEach(
        (name, tensor) -> {
          Weights.Entry entry = tensors.get(prefix + name);
          if (entry == null || !entry.shape().equals(tensor.shape())) {
            throw new SextantException(
                String.format(
                    Locale.ROOT,
                    "checkpoint: %s%s of shape %s is %s",
                    prefix,
                    name,
                    tensor.shape(),
                    entry == null ? "missing" : entry.shape()));
          }
          backend.upload(entry.values(), 0, tensor);
        });
  }

  /**
   * Saves an optimizer's moments and step counts.
   *
   * @param prefix what the names of its tensors begin with
   * @param optimizer whose moments they are
   */
  public void putOptimizer(String prefix, Optimizer optimizer) {
    putTensors(prefix + "/", new TreeMap<>(optimizer.state()));
    JsonObject steps = new JsonObject();
    new TreeMap<>(optimizer.steps()).forEach(steps::addProperty);
    state.add(prefix + ".steps", steps);
  }

  /**
   * Restores an optimizer.
   *
   * @param prefix what the names of its tensors begin with
   * @param optimizer whose moments they are
   */
  public void getOptimizer(String prefix, Optimizer optimizer) {
    Map<String, Integer> steps = new TreeMap<>();
    getObject(prefix + ".steps")
        .entrySet()
        .forEach(
            entry ->
                steps.put(
                    entry.getKey(),
                    (int) whole(prefix + ".steps", entry.getValue(), 0, Integer.MAX_VALUE)));
    try (Memory.Scope _ = backend.memory().scope()) {
      Map<String, Tensor> moments = new TreeMap<>();
      tensors.forEach(
          (name, entry) -> {
            if (name.startsWith(prefix + "/")) {
              Tensor moment =
                  backend.memory().floats(entry.shape(), Category.WORKSPACE, "checkpoint");
              backend.upload(entry.values(), 0, moment);
              moments.put(name.substring(prefix.length() + 1), moment);
            }
          });
      optimizer.restore(moments, steps);
    }
  }

  /**
   * Saves doubles, exactly.
   *
   * @param name of the value
   * @param values saved to the last bit
   */
  public void putDoubles(String name, double... values) {
    JsonArray array = new JsonArray();
    for (double value : values) {
      array.add(Double.toString(value));
    }
    state.add(name, array);
  }

  /**
   * Doubles saved under a name.
   *
   * @param name of the value
   * @param count how many there must be
   * @return the values
   */
  public double[] getDoubles(String name, int count) {
    JsonArray array = as(name, get(name), JsonElement::getAsJsonArray);
    if (array.size() != count) {
      throw new SextantException(
          String.format(
              Locale.ROOT, "checkpoint: '%s' has %d numbers, not %d", name, array.size(), count));
    }
    double[] values = new double[count];
    for (int i = 0; i < count; i++) {
      values[i] = as(name, array.get(i), json -> Double.parseDouble(json.getAsString()));
    }
    return values;
  }

  /**
   * {@return a double that was saved as text, exactly}
   *
   * @param name of the value
   */
  public double getDouble(String name) {
    return as(name, get(name), json -> Double.parseDouble(json.getAsString()));
  }

  /**
   * Saves a generator's state.
   *
   * @param name of the value
   * @param rng the generator
   */
  public void putRng(String name, Rng rng) {
    state.addProperty(name, Long.toString(rng.state()));
  }

  /**
   * Restores a generator.
   *
   * @param name of the value
   * @param rng the generator
   */
  public void getRng(String name, Rng rng) {
    rng.restore(getLong(name, Long.MIN_VALUE, Long.MAX_VALUE));
  }
}
