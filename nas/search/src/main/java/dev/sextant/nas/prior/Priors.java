package dev.sextant.nas.prior;

import dev.sextant.nas.provider.Providers;
import dev.sextant.runtime.layer.Skip;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** The training-free scores there are. */
public final class Priors {
  private record BuiltIn(String id, String summary, ToDoubleFunction<PriorRequest> form)
      implements PriorProvider {
    @Override
    public double score(PriorRequest network) {
      return form.applyAsDouble(network);
    }
  }

  /** How different the gradients of different images are. */
  public static final PriorProvider JACOBIAN =
      new BuiltIn(
          "jacobian",
          "how little the gradients of different images correlate (Mellor et al., 2020)",
          JacobianCovariance::score);

  /** Layers that are not skipped. */
  public static final PriorProvider DEPTH =
      new BuiltIn(
          "depth",
          "how many layers are not skipped",
          network ->
              network.architecture().layers().stream()
                  .filter(layer -> !(layer instanceof Skip))
                  .count());

  /** Multiply-adds. */
  public static final PriorProvider MACS =
      new BuiltIn("macs", "multiply-adds", network -> network.architecture().macs());

  /** Parameters. */
  public static final PriorProvider PARAMETERS =
      new BuiltIn("parameters", "parameters", network -> network.architecture().parameters());

  /** No score: what is said of networks takes training. */
  public static final PriorProvider NONE = new BuiltIn("none", "all networks alike", network -> 0);

  /** All of them. */
  public static final Providers<PriorProvider> ALL =
      new Providers<>(
          "prior", PriorProvider.class, List.of(JACOBIAN, DEPTH, MACS, PARAMETERS, NONE));

  private Priors() {}
}
