package dev.sextant.runtime.layer;

import dev.sextant.runtime.graph.Graph;
import dev.sextant.runtime.graph.Operation;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Window;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * A place of the chain where objects are looked for: the predictor of SSDLite (Sandler et al.,
 * 2018, section 6.2) on one feature map. The chain goes on with what the predictor read, and the
 * predictions of all of them, in order, are what the network gives ({@link
 * dev.sextant.runtime.Branches}).
 *
 * <p>Around the centre of each pixel stand some {@link #anchors} ({@link
 * dev.sextant.runtime.detection.Anchors}). For each the layer gives four offsets of a box and the
 * logits of the background and the classes: {@code [N, H W anchors (4 + 1 + classes)]}. Both come
 * from a depthwise convolution, batch norm, activation and a pointwise convolution with a bias.
 *
 * <p>Weights: {@code box_depthwise.weight [k, k, C]}, {@code box_depthwise_norm.*}, {@code
 * box.weight [1, 1, C, 4 anchors]}, {@code box.bias}, and the same with {@code class} for {@code
 * box}, of {@code anchors (1 + classes)} outputs.
 *
 * @param classes kinds of objects, the background not counted: those of the network
 * @param kernel odd, 1 to 15, of the depthwise convolutions
 * @param ratios 1 to 3: anchors have the aspect ratio 1, and {@code r} and {@code 1 / r} for {@code
 *     r} from 2 to this number
 * @param scale side of the square anchor over the image's, 0.01 to 2
 * @param nextScale scale of the next predictor, at most 2: the side of a second square is their
 *     geometric mean; 0 for no second square
 * @param activation behind the depthwise convolutions
 */
public record Detect(
    int classes, int kernel, int ratios, double scale, double nextScale, Activation activation)
    implements Layer {
  /** Numbers of a box. */
  public static final int BOX = 4;

  private static final Field<Detect, Integer> CLASSES =
      Field.of("classes", FieldKind.integer(1, MAX_WIDTH - 1), Detect::classes)
          .describedAs("Kinds of objects, as many as the network's.");
  private static final Field<Detect, Integer> KERNEL =
      Field.kernel(Detect::kernel).otherwise(3).written();
  private static final Field<Detect, Integer> RATIOS =
      Field.of("ratios", FieldKind.integer(1, 3), Detect::ratios)
          .otherwise(3)
          .describedAs("Largest aspect ratio of an anchor.");
  private static final Field<Detect, Double> SCALE =
      Field.of("scale", FieldKind.number(0.01, 2), Detect::scale)
          .describedAs("Side of the square anchor over the image's.");
  private static final Field<Detect, Double> NEXT_SCALE =
      Field.of("next-scale", FieldKind.number(0, 2), Detect::nextScale)
          .otherwise(0.0)
          .describedAs(
              "The next predictor's scale: a second square has their geometric mean; 0 for none.");
  private static final Field<Detect, Activation> ACTIVATION =
      Field.activation(Detect::activation, Activation.RELU6).written();

  /** {@code "detect"}. */
  public static final LayerType<Detect> TYPE =
      LayerType.of(
              "detect",
              Detect.class,
              List.of(CLASSES, KERNEL, RATIOS, SCALE, NEXT_SCALE, ACTIVATION),
              values ->
                  new Detect(
                      values.get(CLASSES),
                      values.get(KERNEL),
                      values.get(RATIOS),
                      values.get(SCALE),
                      values.get(NEXT_SCALE),
                      values.get(ACTIVATION)))
          .notACandidate("detect cannot be a candidate")
          .describedAs("Looks for objects in its input, with which the chain goes on.");

  /** Checks the ranges. */
  public Detect {
    CLASSES.check("detect", classes);
    KERNEL.check("detect", kernel);
    RATIOS.check("detect", ratios);
    SCALE.check("detect", scale);
    NEXT_SCALE.check("detect", nextScale);
  }

  /** {@return the anchors at each pixel} */
  public int anchors() {
    return nextScale == 0 ? 2 * ratios - 1 : 2 * ratios;
  }

  /** {@return the numbers predicted for each anchor} */
  public int numbers() {
    return BOX + 1 + classes;
  }

  /**
   * {@return the layers, their predictors for another number of classes}
   *
   * @param layers of a network
   * @param classes kinds of objects
   */
  public static List<Layer> withClasses(List<Layer> layers, int classes) {
    List<Layer> changed = new ArrayList<>(layers);
    changed.replaceAll(
        layer ->
            layer instanceof Detect detect
                ? new Detect(
                    classes,
                    detect.kernel,
                    detect.ratios,
                    detect.scale,
                    detect.nextScale,
                    detect.activation)
                : layer);
    return changed;
  }

  @Override
  public LayerType<Detect> type() {
    return TYPE;
  }

  /** Alone, as it is timed: its predictions. */
  @Override
  public Graph.Value lower(Graph graph, Graph.Value x) {
    if (x.shape().rank() != 4) {
      throw new SextantException(
          String.format(
              Locale.ROOT, "detect: input must be an image [N,H,W,C] (it is %s)", x.shape()));
    }
    Graph.Value boxes = predictor(graph, x, "box", BOX);
    Graph.Value scores = predictor(graph, x, "class", 1 + classes);
    return graph.add(new Operation.Predictions(anchors()), boxes, scores);
  }

  private Graph.Value predictor(Graph graph, Graph.Value x, String name, int numbers) {
    Graph.Value seen =
        graph.depthwise(
            x, name + "_depthwise", name + "_depthwise_norm", Window.same(kernel, 1), activation);
    return graph.add(
        new Operation.Convolution(
            name,
            null,
            true,
            Math.multiplyExact(anchors(), numbers),
            Window.POINTWISE,
            1,
            Activation.IDENTITY),
        seen);
  }

  /**
   * {@return the numbers that it gives for one image}
   *
   * @param input the shape that it takes
   */
  public int predictions(Shape input) {
    return output(input.get(0) == 1 ? input : Shape.of(1, input.get(1), input.get(2), input.get(3)))
        .channels();
  }
}
