package dev.sextant.bench;

import dev.sextant.bench.paths.MbConvStep;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;

/**
 * How the time of a training step of MBConv blocks grows with the batch, the channels, the layers,
 * and shrinks with a second thread.
 */
final class Scaling {
  /**
   * One quantity that is varied while the others stay.
   *
   * @param quantity what the axis says
   * @param values of it
   * @param cases one for each value
   * @param threads of each case
   */
  record Sweep(String quantity, List<Integer> values, List<Case> cases, List<Integer> threads) {}

  /**
   * A sweep's times.
   *
   * @param ours milliseconds for each value
   * @param peer as many, or none where this machine has no peer
   */
  record Curve(Sweep sweep, List<Double> ours, List<Double> peer) {}

  private Scaling() {}

  /** What is varied: batch 1 to 256, channels, layers, threads. */
  static List<Sweep> sweeps(int threads) {
    return List.of(
        sweep("batch", List.of(1, 2, 4, 8, 16, 32, 64, 128, 256), n -> block(n, 24, 1), threads),
        sweep("channels", List.of(8, 16, 24, 32, 64, 96, 192), c -> block(16, c, 1), threads),
        sweep("layers", List.of(1, 2, 4, 8), l -> block(16, 24, l), threads),
        threadSweep("threads at batch 64", block(64, 24, 1), threads),
        threadSweep("threads at batch 1", block(1, 24, 1), threads));
  }

  private static Sweep sweep(
      String quantity, List<Integer> values, Function<Integer, Case> hotPath, int threads) {
    return new Sweep(
        quantity,
        values,
        values.stream().map(hotPath).toList(),
        values.stream().map(value -> threads).toList());
  }

  private static Sweep threadSweep(String quantity, Case hotPath, int threads) {
    List<Integer> values = threads == 1 ? List.of(1) : List.of(1, threads);
    return new Sweep(quantity, values, values.stream().map(value -> hotPath).toList(), values);
  }

  private static Case block(int batch, int channels, int layers) {
    String spec = String.format(Locale.ROOT, "%dx16x16x%d e6 k3 l%d", batch, channels, layers);
    return new Case("mbconv step " + spec, MbConvStep.class, spec, Effort.BLOCK);
  }

  /** The curves as text: milliseconds, milliseconds per unit, and the ratio to the peer. */
  static String table(List<Curve> curves) {
    StringBuilder text = new StringBuilder();
    for (Curve curve : curves) {
      List<Integer> values = curve.sweep.values;
      text.append("\nmbconv step against ").append(curve.sweep.quantity).append('\n');
      text.append(
          String.format(
              Locale.ROOT,
              "%10s %11s %14s %11s %8s%n",
              "",
              "ours ms",
              "x the first",
              "libtorch",
              "ratio"));
      for (int i = 0; i < values.size(); i++) {
        boolean peer = i < curve.peer.size();
        text.append(
            String.format(
                Locale.ROOT,
                "%10d %11s %13.2fx %11s %8s%n",
                values.get(i),
                Table.millis(curve.ours.get(i)),
                curve.ours.get(i) / curve.ours.getFirst(),
                peer ? Table.millis(curve.peer.get(i)) : "-",
                peer
                    ? String.format(Locale.ROOT, "%.2fx", curve.peer.get(i) / curve.ours.get(i))
                    : "-"));
      }
    }
    return text.toString();
  }

  private static final double PANEL = 330;
  private static final double LEFT = 56;
  private static final double TOP = 40;
  private static final double PLOT = 230;
  private static final String OURS = "#2a7fba";
  private static final String PEER = "#c8553d";

  /** The curves as SVG, one panel each, both axes logarithmic: proportional is a diagonal. */
  static String chart(List<Curve> curves) {
    Svg svg = new Svg(PANEL * curves.size(), PLOT + TOP + 60);
    for (int i = 0; i < curves.size(); i++) {
      panel(svg, curves.get(i), PANEL * i + LEFT);
    }
    return svg.done();
  }

  private static void panel(Svg svg, Curve curve, double left) {
    List<Double> times = new ArrayList<>(curve.ours);
    times.addAll(curve.peer);
    Axis x = Axis.over(curve.sweep.values.stream().map(Integer::doubleValue).toList());
    Axis y = Axis.over(times);
    double width = PANEL - LEFT - 24;
    svg.words(left, TOP - 20, "start", "ms a step, by " + curve.sweep.quantity);
    for (double tick : y.ticks()) {
      double height = TOP + PLOT * (1 - y.place(tick));
      svg.line(left, height, left + width, height, "#d8d8d8", 1);
      svg.words(left - 6, height + 4, "end", label(tick));
    }
    for (int value : curve.sweep.values) {
      svg.words(left + width * x.place(value), TOP + PLOT + 18, "middle", Integer.toString(value));
    }
    draw(svg, curve.sweep.values, curve.peer, x, y, left, width, PEER);
    draw(svg, curve.sweep.values, curve.ours, x, y, left, width, OURS);
    svg.rectangle(left, TOP + PLOT + 32, 12, 12, OURS);
    svg.words(left + 18, TOP + PLOT + 42, "start", "ours");
    svg.rectangle(left + 60, TOP + PLOT + 32, 12, 12, PEER);
    svg.words(left + 78, TOP + PLOT + 42, "start", "libtorch");
  }

  private static void draw(
      Svg svg,
      List<Integer> values,
      List<Double> times,
      Axis x,
      Axis y,
      double left,
      double width,
      String color) {
    for (int i = 0; i < times.size(); i++) {
      double px = left + width * x.place(values.get(i));
      double py = TOP + PLOT * (1 - y.place(times.get(i)));
      svg.dot(px, py, color);
      if (i > 0) {
        double fromX = left + width * x.place(values.get(i - 1));
        double fromY = TOP + PLOT * (1 - y.place(times.get(i - 1)));
        svg.line(fromX, fromY, px, py, color, 1.5);
      }
    }
  }

  private static String label(double tick) {
    return tick >= 1
        ? String.format(Locale.ROOT, "%.0f", tick)
        : String.format(Locale.ROOT, "%.3f", tick).replaceAll("0+$", "");
  }

  /** A logarithmic axis from one power of two to another. */
  private record Axis(double low, double high) {
    static Axis over(List<Double> values) {
      double least = Double.POSITIVE_INFINITY;
      double most = 0;
      for (double value : values) {
        least = Math.min(least, value);
        most = Math.max(most, value);
      }
      double low = Math.floor(Math.log(least) / Math.log(2));
      return new Axis(low, Math.max(low + 1, Math.ceil(Math.log(most) / Math.log(2))));
    }

    double place(double value) {
      return (Math.log(value) / Math.log(2) - low) / (high - low);
    }

    List<Double> ticks() {
      List<Double> ticks = new ArrayList<>();
      for (double exponent = low; exponent <= high; exponent++) {
        ticks.add(Math.pow(2, exponent));
      }
      return ticks;
    }
  }
}
