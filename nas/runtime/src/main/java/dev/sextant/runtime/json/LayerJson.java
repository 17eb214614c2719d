package dev.sextant.runtime.json;

import com.google.gson.JsonObject;
import dev.sextant.runtime.Branches;
import dev.sextant.runtime.Cell;
import dev.sextant.runtime.Layer;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One layer as a JSON object, alone or as a candidate of a choice. {@code "stride"} is 1 where not
 * given, {@code "norm"} is {@code "batch"}, {@code "act"} is {@code "relu6"} ({@code "none"} of a
 * linear layer), and {@code "residual"} is true where the shapes permit it.
 */
public final class LayerJson {
  /** Most times that one entry repeats. */
  public static final int MAX_REPEAT = 1_000;

  /** The fields of each op, besides {@code "op"}. */
  private static final Map<String, List<String>> FIELDS =
      Map.ofEntries(
          Map.entry("conv", List.of("kernel", "stride", "dilation", "out", "norm", "act")),
          Map.entry("depthwise", List.of("kernel", "stride", "dilation", "norm", "act")),
          Map.entry("separable", List.of("kernel", "stride", "dilation", "out", "act")),
          Map.entry("dilated", List.of("kernel", "stride", "out", "act")),
          Map.entry(
              "mbconv",
              List.of("kernel", "expand", "stride", "out", "act", "squeeze-excite", "residual")),
          Map.entry("max-pool", List.of("kernel", "stride")),
          Map.entry("avg-pool", List.of("kernel", "stride")),
          Map.entry("skip", List.of()),
          Map.entry("identity", List.of()),
          Map.entry("zero", List.of()),
          Map.entry("global-avg-pool", List.of()),
          Map.entry("fork", List.of()),
          Map.entry("next", List.of()),
          Map.entry("sum", List.of()),
          Map.entry("cell", CellJson.FIELDS),
          Map.entry("linear", List.of("out", "act")));

  private static final List<String> OPS = FIELDS.keySet().stream().sorted().toList();

  /** Where chains part and meet. */
  private static final List<String> JUNCTIONS =
      Arrays.stream(Layer.Junction.Kind.values()).map(Layer.Junction.Kind::word).toList();

  private static final List<String> ACTIVATIONS =
      List.of("none", "relu", "relu6", "hswish", "sigmoid");

  private LayerJson() {}

  /**
   * The layers of one entry: one, or as many as {@code "repeat"} says, of which only the first has
   * the stride.
   *
   * @param before the shape that the layer before takes, the older input of a cell; null where
   *     there is none
   * @param input the shape that the first one takes
   */
  public static List<Layer> read(JsonFields fields, @Nullable Shape before, Shape input) {
    String op = fields.word("op", OPS, null);
    List<String> own = fieldsOf(op);
    List<String> known = new ArrayList<>(List.of("op", "repeat"));
    known.addAll(own);
    fields.only(known);
    int stride = own.contains("stride") ? readStride(fields) : 1;
    int out = own.contains("out") ? fields.integer("out", 1, Layer.MAX_WIDTH) : input.channels();
    int repeat = readRepeat(fields);
    List<Layer> layers = new ArrayList<>(repeat);
    Shape older = before;
    Shape shape = input;
    for (int i = 0; i < repeat; i++) {
      int step = i == 0 ? stride : 1;
      Layer layer =
          op.equals("cell")
              ? CellJson.read(fields, older, shape, step)
              : build(fields, op, shape, step, out);
      layers.add(layer);
      older = shape;
      shape = output(fields, layer, shape);
    }
    return layers;
  }

  /**
   * One candidate of a choice, which gives the stride and the width.
   *
   * @param input the shape that the choice takes
   */
  public static Layer readCandidate(JsonFields fields, Shape input, int stride, int out) {
    String op = fields.word("op", OPS, null);
    if (JUNCTIONS.contains(op)) {
      throw fields.error("op", op + " cannot be a candidate");
    }
    for (String given : List.of("stride", "out")) {
      if (fields.has(given)) {
        throw fields.error(given, "is given by the choice, not by its candidates");
      }
    }
    List<String> known = new ArrayList<>(List.of("op"));
    known.addAll(fieldsOf(op));
    known.removeAll(List.of("stride", "out"));
    fields.only(known);
    return build(fields, op, input, stride, out);
  }

  /** The field {@code "stride"}. */
  public static int readStride(JsonFields fields) {
    return fields.integer("stride", 1, Layer.MAX_STRIDE, 1);
  }

  /** The field {@code "repeat"}. */
  public static int readRepeat(JsonFields fields) {
    return fields.integer("repeat", 1, MAX_REPEAT, 1);
  }

  /** The output shape of a layer, errors naming where the layer stands. */
  public static Shape output(JsonFields fields, Layer layer, Shape input) {
    try {
      return layer.output(input);
    } catch (SextantException e) {
      throw fields.error(String.valueOf(e.getMessage()));
    }
  }

  /** The same where chains may fork. */
  public static Shape output(JsonFields fields, Branches branches, Layer layer, Shape input) {
    try {
      return branches.output(layer, input);
    } catch (SextantException e) {
      throw fields.error(String.valueOf(e.getMessage()));
    }
  }

  private static List<String> fieldsOf(String op) {
    return FIELDS.getOrDefault(op, List.of());
  }

  private static Layer build(JsonFields fields, String op, Shape input, int stride, int out) {
    return switch (op) {
      case "conv" ->
          new Layer.Conv(
              kernel(fields), stride, dilation(fields), out, batchNorm(fields), act(fields));
      case "depthwise" ->
          new Layer.Depthwise(
              kernel(fields), stride, dilation(fields), batchNorm(fields), act(fields));
      case "separable" ->
          new Layer.Separable(kernel(fields), stride, dilation(fields), out, act(fields));
      case "dilated" -> new Layer.Separable(kernel(fields), stride, 2, out, act(fields));
      case "mbconv" -> mbConv(fields, input, stride, out);
      case "max-pool", "avg-pool" -> new Layer.Pool(op.equals("max-pool"), kernel(fields), stride);
      case "skip", "identity" -> new Layer.Skip();
      case "cell" -> throw fields.error("op", "a cell cannot be a candidate");
      // An edge of a cell can be cut, a chain cannot.
      case "zero" -> throw fields.error("op", "zero would cut the chain of layers; use skip");
      case "global-avg-pool" -> new Layer.GlobalAvgPool();
      case "linear" -> new Layer.Linear(out, act(fields, "none"));
      case "fork" -> new Layer.Junction(Layer.Junction.Kind.FORK);
      case "next" -> new Layer.Junction(Layer.Junction.Kind.NEXT);
      case "sum" -> new Layer.Junction(Layer.Junction.Kind.SUM);
      default -> throw new IllegalArgumentException(op);
    };
  }

  private static Layer mbConv(JsonFields fields, Shape input, int stride, int out) {
    boolean fits = Layer.MbConv.residualFits(stride, input.channels(), out);
    boolean residual = fields.flag("residual", fits);
    if (residual && !fits) {
      throw fields.error(
          "residual",
          "needs stride 1 and equal widths (stride %d, %d to %d channels)"
              .formatted(stride, input.channels(), out));
    }
    return new Layer.MbConv(
        kernel(fields),
        stride,
        fields.integer("expand", 1, Layer.MAX_EXPAND),
        out,
        act(fields),
        fields.number("squeeze-excite", 0, 1, 0),
        residual);
  }

  static int kernel(JsonFields fields) {
    int kernel = fields.integer("kernel", 1, Layer.MAX_KERNEL);
    if (kernel % 2 == 0) {
      throw fields.error("kernel", kernel + " is even");
    }
    return kernel;
  }

  private static int dilation(JsonFields fields) {
    return fields.integer("dilation", 1, Layer.MAX_DILATION, 1);
  }

  private static boolean batchNorm(JsonFields fields) {
    return fields.word("norm", List.of("batch", "none"), "batch").equals("batch");
  }

  private static Activation act(JsonFields fields) {
    return act(fields, "relu6");
  }

  private static Activation act(JsonFields fields, String fallback) {
    return switch (fields.word("act", ACTIVATIONS, fallback)) {
      case "none" -> Activation.IDENTITY;
      case "relu" -> Activation.RELU;
      case "relu6" -> Activation.RELU6;
      case "hswish" -> Activation.HSWISH;
      default -> Activation.SIGMOID;
    };
  }

  /** The JSON object of a layer that takes that input. */
  public static JsonObject write(Layer layer, Shape input) {
    JsonObject json = writeCandidate(layer, input);
    switch (layer) {
      case Layer.Conv conv -> json.addProperty("out", conv.out());
      case Layer.Separable separable -> json.addProperty("out", separable.out());
      case Layer.MbConv mbConv -> json.addProperty("out", mbConv.out());
      case Layer.Linear linear -> json.addProperty("out", linear.out());
      case Cell cell -> CellJson.write(cell, json);
      case Layer.Depthwise _,
          Layer.Pool _,
          Layer.Skip _,
          Layer.Zero _,
          Layer.Junction _,
          Layer.GlobalAvgPool _ -> {}
    }
    if (layer.stride() > 1) {
      json.addProperty("stride", layer.stride());
    }
    return json;
  }

  /** The JSON object of a candidate: {@link #write} without the stride and the width. */
  public static JsonObject writeCandidate(Layer layer, Shape input) {
    JsonObject json = new JsonObject();
    switch (layer) {
      case Layer.Conv conv -> {
        windowed(json, "conv", conv.kernel(), conv.dilation());
        normAndAct(json, conv.batchNorm(), conv.activation());
      }
      case Layer.Depthwise depthwise -> {
        windowed(json, "depthwise", depthwise.kernel(), depthwise.dilation());
        normAndAct(json, depthwise.batchNorm(), depthwise.activation());
      }
      case Layer.Separable separable -> {
        windowed(json, "separable", separable.kernel(), separable.dilation());
        json.addProperty("act", word(separable.activation()));
      }
      case Layer.MbConv mbConv -> {
        windowed(json, "mbconv", mbConv.kernel(), 1);
        json.addProperty("expand", mbConv.expand());
        json.addProperty("act", word(mbConv.activation()));
        if (mbConv.squeezeExcite() > 0) {
          json.addProperty("squeeze-excite", mbConv.squeezeExcite());
        }
        if (mbConv.residual()
            != Layer.MbConv.residualFits(mbConv.stride(), input.channels(), mbConv.out())) {
          json.addProperty("residual", mbConv.residual());
        }
      }
      case Layer.Pool pool ->
          windowed(json, pool.max() ? "max-pool" : "avg-pool", pool.kernel(), 1);
      case Layer.Skip _ -> json.addProperty("op", "skip");
      case Layer.Zero _ -> json.addProperty("op", "zero");
      case Layer.GlobalAvgPool _ -> json.addProperty("op", "global-avg-pool");
      case Layer.Linear linear -> {
        json.addProperty("op", "linear");
        if (linear.activation() != Activation.IDENTITY) {
          json.addProperty("act", word(linear.activation()));
        }
      }
      case Layer.Junction junction -> json.addProperty("op", junction.kind().word());
      case Cell _ -> json.addProperty("op", "cell");
    }
    return json;
  }

  private static void windowed(JsonObject json, String op, int kernel, int dilation) {
    json.addProperty("op", op);
    json.addProperty("kernel", kernel);
    if (dilation > 1) {
      json.addProperty("dilation", dilation);
    }
  }

  private static void normAndAct(JsonObject json, boolean batchNorm, Activation activation) {
    json.addProperty("norm", batchNorm ? "batch" : "none");
    json.addProperty("act", word(activation));
  }

  private static String word(Activation activation) {
    return switch (activation) {
      case IDENTITY -> "none";
      case RELU -> "relu";
      case RELU6 -> "relu6";
      case HSWISH -> "hswish";
      case SIGMOID -> "sigmoid";
    };
  }
}
