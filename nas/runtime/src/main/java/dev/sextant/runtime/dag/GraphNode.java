package dev.sextant.runtime.dag;

import dev.sextant.runtime.graph.Operation;
import dev.sextant.runtime.layer.Field;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Window;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One operation of a {@link GraphLayer}.
 *
 * @param operation what it computes
 * @param from the values that it reads
 */
public record GraphNode(Operation operation, List<Integer> from) {
  private static final int MOST_INPUTS = 256;
  private static final int MOST_WINDOW = 4096;

  private static final SequencedMap<String, Activation> ACTIVATIONS = new LinkedHashMap<>();

  static {
    for (Activation activation : Activation.values()) {
      ACTIVATIONS.put(Field.word(activation), activation);
    }
  }

  /** Copies the list. */
  public GraphNode {
    from = List.copyOf(from);
  }

  /**
   * {@return what the names of an operation's weights start with}
   *
   * @param index of the operation, from 1
   */
  public static String name(int index) {
    return "n" + index;
  }

  /** {@return the operation in one line, as in {@code conv from=0 kernel=3 stride=2 out=16}} */
  public String text() {
    Line line = new Line();
    String word =
        switch (operation) {
          case Operation.Convolution convolution -> {
            line.window(convolution.window());
            line.put("groups", convolution.groups(), 1);
            line.put("out", convolution.out(), 0);
            line.end(convolution.norm(), convolution.bias(), convolution.activation());
            yield "conv";
          }
          case Operation.Depthwise depthwise -> {
            line.window(depthwise.window());
            line.end(depthwise.norm(), depthwise.bias(), depthwise.activation());
            yield "depthwise";
          }
          case Operation.Linear linear -> {
            line.put("out", linear.out(), 0);
            line.end(null, true, linear.activation());
            yield "linear";
          }
          case Operation.Pool pool -> {
            line.window(pool.window());
            yield pool.max() ? "max-pool" : "avg-pool";
          }
          case Operation.GlobalAvgPool _ -> "global-avg-pool";
          case Operation.Activate activate -> {
            line.end(null, true, activate.activation());
            yield "activate";
          }
          case Operation.ScaleChannels _ -> "scale";
          case Operation.Add _ -> "add";
          case Operation.Slice slice -> {
            line.text.append(" channels=").append(slice.from()).append(',').append(slice.to());
            yield "slice";
          }
          case Operation.Concat _ -> "concat";
          case Operation.Interleave _ -> "interleave";
          case Operation.Custom(GraphKernel.Pad pad) -> {
            line.text.append(
                String.format(
                    Locale.ROOT,
                    " sides=%d,%d,%d,%d value=%s",
                    pad.top(),
                    pad.left(),
                    pad.bottom(),
                    pad.right(),
                    pad.value()));
            yield pad.name();
          }
          case Operation.Custom(GraphKernel.HardSigmoid hard) -> {
            line.text.append(" alpha=").append(hard.alpha()).append(" beta=").append(hard.beta());
            yield hard.name();
          }
          case Operation.Custom(GraphKernel.LeakyRelu leaky) -> {
            line.text.append(" slope=").append(leaky.slope());
            yield leaky.name();
          }
          case Operation.Custom(GraphKernel kernel) -> kernel.name();
          case Operation.Custom _, Operation.FactorizedReduction _, Operation.Predictions _ ->
              throw new IllegalArgumentException("graph: " + operation);
        };
    StringBuilder values = new StringBuilder();
    for (int value : from) {
      values.append(values.isEmpty() ? "" : ",").append(value);
    }
    return word + " from=" + values + line.text;
  }

  /** The fields behind the word; those that are as they would be anyway are left out. */
  private static final class Line {
    private final StringBuilder text = new StringBuilder();

    void put(String field, int value, int otherwise) {
      if (value != otherwise) {
        text.append(' ').append(field).append('=').append(value);
      }
    }

    void window(Window window) {
      put("kernel", window.kernel(), 0);
      put("stride", window.stride(), 1);
      put("padding", window.padding(), 0);
      put("dilation", window.dilation(), 1);
    }

    void end(@Nullable String norm, boolean bias, Activation activation) {
      if (norm != null) {
        text.append(" norm=batch");
      } else if (!bias) {
        text.append(" norm=none");
      }
      for (Map.Entry<String, Activation> word : ACTIVATIONS.entrySet()) {
        if (word.getValue() == activation && activation != Activation.IDENTITY) {
          text.append(" act=").append(word.getKey());
        }
      }
    }
  }

  /**
   * {@return the operation of such a line}
   *
   * @param line as {@link #text} gives it
   * @param index of the operation, from 1, for the names of its weights
   * @throws SextantException if it is none
   */
  public static GraphNode parse(String line, int index) {
    Fields fields = new Fields(line, index);
    Operation operation = operation(fields);
    int[] inputs = fields.integers("from", 0, GraphLayer.MAX_NODES, MOST_INPUTS);
    fields.end();
    int least =
        switch (operation) {
          case Operation.ScaleChannels _,
              Operation.Add _,
              Operation.Custom(GraphKernel.Multiply _) ->
              2;
          default -> 1;
        };
    int most =
        switch (operation) {
          case Operation.Convolution _ -> 2;
          case Operation.Concat _, Operation.Interleave _ -> MOST_INPUTS;
          default -> least;
        };
    if (inputs.length < least || inputs.length > most) {
      throw fields.error("reads " + inputs.length + " values");
    }
    return new GraphNode(operation, Arrays.stream(inputs).boxed().toList());
  }

  private static Operation operation(Fields fields) {
    String name = name(fields.index);
    return switch (fields.word) {
      case "conv" ->
          new Operation.Convolution(
              name,
              fields.norm(name),
              fields.bias(),
              fields.integer("out", 1, Layer.MAX_WIDTH, 0),
              fields.window(),
              fields.integer("groups", 1, Layer.MAX_WIDTH, 1),
              fields.activation());
      case "depthwise" ->
          new Operation.Depthwise(
              name, fields.norm(name), fields.bias(), fields.window(), fields.activation());
      case "linear" ->
          new Operation.Linear(
              name, fields.integer("out", 1, Layer.MAX_WIDTH, 0), fields.activation());
      case "max-pool" -> new Operation.Pool(true, fields.window());
      case "avg-pool" -> new Operation.Pool(false, fields.window());
      case "global-avg-pool" -> new Operation.GlobalAvgPool();
      case "activate" -> new Operation.Activate(fields.activation());
      case "scale" -> new Operation.ScaleChannels();
      case "add" -> new Operation.Add();
      case "slice" -> {
        int[] channels = fields.integers("channels", 0, Layer.MAX_WIDTH, 2);
        if (channels.length != 2) {
          throw fields.error("channels are not from,to");
        }
        yield new Operation.Slice(channels[0], channels[1]);
      }
      case "concat" -> new Operation.Concat();
      case "interleave" -> new Operation.Interleave();
      case "pad" -> {
        int[] sides = fields.integers("sides", -MOST_WINDOW, MOST_WINDOW, 4);
        if (sides.length != 4) {
          throw fields.error("sides are not top,left,bottom,right");
        }
        yield custom(
            new GraphKernel.Pad(sides[0], sides[1], sides[2], sides[3], fields.real("value")));
      }
      case "multiply" -> custom(new GraphKernel.Multiply());
      case "hard-sigmoid" ->
          custom(new GraphKernel.HardSigmoid(fields.real("alpha"), fields.real("beta")));
      case "leaky-relu" -> custom(new GraphKernel.LeakyRelu(fields.real("slope")));
      case "flatten" -> custom(new GraphKernel.Flatten());
      case "softmax" -> custom(new GraphKernel.Softmax());
      default -> throw fields.error("is unknown");
    };
  }

  private static Operation custom(GraphKernel kernel) {
    return new Operation.Custom(kernel);
  }

  /** The fields of a line, each of which must be asked for. */
  private static final class Fields {
    private final int index;
    private final String word;
    private final Map<String, String> values = new LinkedHashMap<>();

    Fields(String line, int index) {
      this.index = index;
      String[] parts = line.split(" ", 20);
      word = parts[0];
      for (int i = 1; i < parts.length; i++) {
        String[] pair = parts[i].split("=", 2);
        if (pair.length != 2 || values.put(pair[0], pair[1]) != null) {
          throw error("has the field '" + shown(parts[i]) + "'");
        }
      }
    }

    private static String shown(String text) {
      String clean = text.replaceAll("\\p{Cntrl}", "?");
      return clean.length() <= 40 ? clean : clean.substring(0, 40) + "...";
    }

    SextantException error(String what) {
      return new SextantException(
          String.format(Locale.ROOT, "graph: operation %d: '%s' %s", index, shown(word), what));
    }

    void end() {
      if (!values.isEmpty()) {
        throw error("has no field " + shown(values.keySet().iterator().next()));
      }
    }

    int[] integers(String field, int min, int max, int most) {
      String text = values.remove(field);
      if (text == null) {
        throw error("lacks " + field);
      }
      String[] parts = text.split(",", most + 1);
      if (parts.length > most) {
        throw error("has more than " + most + " numbers of " + field);
      }
      int[] numbers = new int[parts.length];
      for (int i = 0; i < parts.length; i++) {
        try {
          numbers[i] = Integer.parseInt(parts[i]);
        } catch (NumberFormatException e) {
          throw error(field + " '" + shown(text) + "' is no number");
        }
        if (numbers[i] < min || numbers[i] > max) {
          throw error(
              String.format(
                  Locale.ROOT, "%s %d is not between %d and %d", field, numbers[i], min, max));
        }
      }
      return numbers;
    }

    /** A number; required where {@code otherwise} is not in the range. */
    int integer(String field, int min, int max, int otherwise) {
      if (!values.containsKey(field) && otherwise >= min) {
        return otherwise;
      }
      return integers(field, min, max, 1)[0];
    }

    float real(String field) {
      String text = values.remove(field);
      try {
        float value = text == null ? Float.NaN : Float.parseFloat(text);
        if (!Float.isNaN(value)) {
          return value;
        }
      } catch (NumberFormatException e) {
        // Said below.
      }
      throw error(field + " is no number");
    }

    Window window() {
      return new Window(
          integer("kernel", 1, MOST_WINDOW, 0),
          integer("stride", 1, MOST_WINDOW, 1),
          integer("padding", 0, MOST_WINDOW, 0),
          integer("dilation", 1, MOST_WINDOW, 1));
    }

    private String normWord() {
      String norm = values.getOrDefault("norm", "bias");
      if (!Set.of("bias", "none", "batch").contains(norm)) {
        throw error("norm '" + shown(norm) + "' is neither batch nor none");
      }
      return norm;
    }

    @Nullable String norm(String name) {
      return normWord().equals("batch") ? name + ".norm" : null;
    }

    /** Asked for behind {@link #norm}. */
    boolean bias() {
      boolean bias = normWord().equals("bias");
      values.remove("norm");
      return bias;
    }

    Activation activation() {
      String act = values.remove("act");
      Activation activation = ACTIVATIONS.get(act == null ? "none" : act);
      if (activation == null) {
        throw error("act is none of " + String.join(", ", ACTIVATIONS.keySet()));
      }
      return activation;
    }
  }
}
