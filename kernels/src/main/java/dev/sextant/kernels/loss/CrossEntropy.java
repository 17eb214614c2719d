package dev.sextant.kernels.loss;

import dev.sextant.kernels.ptx.Assembler;
import dev.sextant.kernels.ptx.Kernel;
import dev.sextant.kernels.ptx.KernelSource;
import dev.sextant.kernels.ptx.Operand.B32;
import dev.sextant.kernels.ptx.Operand.B64;
import dev.sextant.kernels.ptx.Operand.F32;
import dev.sextant.kernels.ptx.Operand.Pred;
import org.jspecify.annotations.Nullable;

/**
 * Softmax cross-entropy, or the count of rows whose first maximum is at the label: one warp for
 * each row of logits, blocks of {@code [32, 8]}. A label that is no class makes the row's loss NaN.
 *
 * <p>Parameters: logits, labels, result {@code [rows]} (loss, or 1 where correct), dlogits where
 * there is a gradient, rows, classes; for the loss also 1 - smoothing, smoothing / classes, 1 /
 * rows.
 */
public record CrossEntropy(Mode mode) implements KernelSource {
  /** What is computed. */
  public enum Mode {
    /** The loss of each row. */
    LOSS,
    /** The loss of each row, and the gradient of their mean, which may overwrite the logits. */
    LOSS_AND_GRADIENT,
    /** 1 for each row whose first maximum is at the label, 0 for others. */
    CORRECT
  }

  private static final float LOG2_E = (float) (1 / Math.log(2));
  private static final float LN_2 = (float) Math.log(2);

  @Override
  public String name() {
    return switch (mode) {
      case LOSS -> "cross_entropy";
      case LOSS_AND_GRADIENT -> "cross_entropy_gradient";
      case CORRECT -> "count_correct";
    };
  }

  @Override
  public Kernel assemble() {
    Assembler k =
        new Assembler(
            name(),
            mode == Mode.CORRECT
                ? "result = whether the first maximum is at the label"
                : "result = cross-entropy of softmax(logits) and the smoothed label",
            THREADS);
    B64 logits = k.pointer("logits", "[rows, classes]");
    B64 labels = k.pointer("labels", "[rows], integers");
    B64 result = k.pointer("result", "[rows]");
    B64 dlogits = mode == Mode.LOSS_AND_GRADIENT ? k.pointer("dlogits", "[rows, classes]") : null;
    B32 rows = k.integer("rows", "of logits");
    B32 classes = k.integer("classes", "of each row");
    F32[] weights = mode == Mode.CORRECT ? new F32[0] : weights(k);
    B32 row = k.multiplyAdd(k.special("%ctaid.x"), k.special("%ntid.y"), k.special("%tid.y"));
    B32 lane = k.special("%tid.x");
    k.when(
        "the row exists, for all lanes of its warp",
        k.less(row, rows),
        () -> {
          B32 start = k.multiply(row, classes);
          B32 label = k.loadInteger(k.element(labels, row));
          Row of = new Row(k, logits, dlogits, start, classes, lane, label);
          F32 value = mode == Mode.CORRECT ? of.correct() : of.loss(weights);
          k.when(
              "this is the first lane",
              k.equal(lane, k.constant(0)),
              () -> k.store(k.element(result, row), 0, value));
        });
    return k.assemble();
  }

  private static F32[] weights(Assembler k) {
    return new F32[] {
      k.number("onLabel", "1 - smoothing"),
      k.number("onEach", "smoothing / classes"),
      k.number("share", "1 / rows")
    };
  }

  /** One warp's row. */
  private record Row(
      Assembler k, B64 logits, @Nullable B64 dlogits, B32 start, B32 classes, B32 lane, B32 label) {
    private interface Class {
      void visit(B32 i, F32 logit);
    }

    private void each(Class body) {
      k.loop(
          "i",
          lane,
          classes,
          k.constant(32),
          i -> body.visit(i, k.load(k.element(logits, k.add(start, i)), 0, 1, false)[0]));
    }

    private F32 max() {
      F32 max = k.variable("max", k.constant(Float.NEGATIVE_INFINITY));
      each((i, x) -> k.assign(max, k.max(max, x)));
      for (int bits = 16; bits > 0; bits /= 2) {
        k.assign(max, k.max(max, k.exchange(max, bits)));
      }
      return max;
    }

    private void sumOfLanes(F32 sum) {
      for (int bits = 16; bits > 0; bits /= 2) {
        k.addTo(sum, sum, k.exchange(sum, bits));
      }
    }

    private F32 exp(F32 x) {
      return k.exp2(k.multiply(x, k.constant(LOG2_E)));
    }

    F32 loss(F32[] weights) {
      F32 max = max();
      F32 sum = k.variable("sum", k.constant(0f));
      each((i, x) -> k.addTo(sum, sum, exp(k.subtract(x, max))));
      sumOfLanes(sum);
      F32 logSum = k.multiply(k.log2(sum), k.constant(LN_2));
      Pred known = k.within(label, classes);
      F32 loss = k.variable("loss", k.select(known, k.constant(0f), k.constant(Float.NaN)));
      each(
          (i, x) -> {
            // The maximum is subtracted first: it may be large, and the two differ by little.
            F32 logProbability = k.subtract(k.subtract(x, max), logSum);
            F32 onLabel = k.select(k.equal(i, label), weights[0], k.constant(0f));
            F32 target = k.add(onLabel, weights[1]);
            // An impossible class without a target costs nothing: not 0 times infinity.
            F32 cost = k.multiply(target, logProbability);
            Pred none = k.equal(target, k.constant(0f));
            k.assign(loss, k.subtract(loss, k.select(none, k.constant(0f), cost)));
            if (dlogits != null) {
              F32 gradient = k.subtract(exp(logProbability), target);
              k.store(k.element(dlogits, k.add(start, i)), 0, k.multiply(gradient, weights[2]));
            }
          });
      sumOfLanes(loss);
      return loss;
    }

    F32 correct() {
      F32 best = k.variable("best", k.constant(Float.NEGATIVE_INFINITY));
      B32 at = k.variable("at", lane);
      each(
          (i, x) -> {
            Pred better = k.greater(x, best);
            k.assign(best, k.select(better, x, best));
            k.assign(at, k.select(better, i, at));
          });
      for (int bits = 16; bits > 0; bits /= 2) {
        F32 other = k.exchange(best, bits);
        B32 otherAt = k.exchange(at, bits);
        Pred first = k.and(k.equal(other, best), k.less(otherAt, at));
        Pred better = k.or(k.greater(other, best), first);
        k.assign(best, k.select(better, other, best));
        k.assign(at, k.select(better, otherAt, at));
      }
      return k.select(k.equal(at, label), k.constant(1f), k.constant(0f));
    }
  }
}
