package dev.sextant.runtime.layer;

import dev.sextant.runtime.graph.Graph;
import dev.sextant.runtime.graph.Operation;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Window;
import java.util.List;
import java.util.Locale;

/**
 * Residual block (He et al., 2016): two convolutions, or as a bottleneck pointwise, convolution,
 * pointwise; plus the input, which passes a pointwise convolution where stride or width change;
 * activation. Batch norm follows each convolution, an activation all but the last; none has a bias.
 * The stride is that of the first of two, the middle one of three convolutions, as in torchvision.
 * With groups it is the block of ResNeXt (Xie et al., 2017) and RegNetX (Radosavovic et al., 2020).
 *
 * <p>Weights: {@code first.weight [k, k, in, out]}, {@code first_norm.*}, {@code second.weight [k,
 * k, out, out]}, {@code second_norm.*}; of a bottleneck {@code first.weight [1, 1, in, width]},
 * {@code second.weight [k, k, width / groups, width]}, {@code third.weight [1, 1, width, out]},
 * {@code third_norm.*}; {@code shortcut.weight [1, 1, in, out]}, {@code shortcut_norm.*}.
 *
 * @param kernel odd, 1 to 15
 * @param stride 1 to 4
 * @param bottleneck channels between the pointwise convolutions; 0 for two convolutions
 * @param groups parts of the channels of a bottleneck's middle convolution; 1 without bottleneck
 * @param out output channels
 * @param activation which function comes last
 */
public record Residual(
    int kernel, int stride, int bottleneck, int groups, int out, Activation activation)
    implements Layer {
  private static final Field<Residual, Integer> KERNEL = Field.kernel(Residual::kernel);
  private static final Field<Residual, Integer> STRIDE = Field.stride(Residual::stride);
  private static final Field<Residual, Integer> BOTTLENECK =
      Field.of("bottleneck", FieldKind.integer(0, Layer.MAX_WIDTH), Residual::bottleneck)
          .otherwise(0)
          .marked("b%s")
          .describedAs("Channels between two pointwise convolutions; 0 for two convolutions.");
  private static final Field<Residual, Integer> GROUPS =
      Field.of("groups", Field.WIDTHS, Residual::groups)
          .otherwise(1)
          .marked("g%s")
          .describedAs("Parts of the channels of a bottleneck's middle convolution.");
  private static final Field<Residual, Integer> OUT = Field.out(Residual::out);
  private static final Field<Residual, Activation> ACTIVATION =
      Field.activation(Residual::activation, Activation.RELU).written();

  /** {@code "residual"}. */
  public static final LayerType<Residual> TYPE =
      LayerType.of(
              "residual",
              Residual.class,
              List.of(KERNEL, STRIDE, BOTTLENECK, GROUPS, OUT, ACTIVATION),
              values ->
                  new Residual(
                      values.get(KERNEL),
                      values.get(STRIDE),
                      values.get(BOTTLENECK),
                      values.get(GROUPS),
                      values.get(OUT),
                      values.get(ACTIVATION)))
          .describedAs("The block of ResNet, ResNeXt and RegNetX.");

  /** Checks the ranges. */
  public Residual {
    KERNEL.check("residual", kernel);
    STRIDE.check("residual", stride);
    BOTTLENECK.check("residual", bottleneck);
    GROUPS.check("residual", groups);
    OUT.check("residual", out);
    if (groups > 1 && (bottleneck == 0 || bottleneck % groups != 0)) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "residual: %d groups do not divide a bottleneck of %d channels",
              groups,
              bottleneck));
    }
  }

  @Override
  public LayerType<Residual> type() {
    return TYPE;
  }

  @Override
  public Graph.Value lower(Graph graph, Graph.Value x) {
    Window window = Window.same(kernel, stride);
    Graph.Value mid;
    Operation last;
    if (bottleneck == 0) {
      mid = graph.convolution(x, "first", "first_norm", out, window, activation);
      last = linear("second", Window.same(kernel, 1));
    } else {
      mid = graph.pointwise(x, "first", "first_norm", bottleneck, activation);
      Operation middle =
          new Operation.Convolution(
              "second", "second_norm", false, bottleneck, window, groups, activation);
      mid = graph.add(middle, mid);
      last = linear("third", Window.POINTWISE);
    }
    Graph.Value sum;
    if (MbConv.residualFits(stride, x.shape().channels(), out)) {
      sum = graph.add(last, mid, x);
    } else {
      Graph.Value own = graph.add(last, mid);
      sum = graph.add(linear("shortcut", Window.same(1, stride)), x, own);
    }
    return graph.add(new Operation.Activate(activation), sum);
  }

  private Operation linear(String name, Window window) {
    return new Operation.Convolution(
        name, name + "_norm", false, out, window, 1, Activation.IDENTITY);
  }
}
