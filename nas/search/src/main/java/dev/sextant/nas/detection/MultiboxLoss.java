package dev.sextant.nas.detection;

import dev.sextant.autograd.CustomOp;
import dev.sextant.runtime.layer.Detect;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.Arrays;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * SSD's loss (Liu et al., 2016, equations 1 to 3): over the anchors that are of objects the smooth
 * L1 distance of the offsets, plus cross-entropy of the classes over these and over the hardest
 * background, {@value #NEGATIVES} anchors for each one of an object in the same image; all over the
 * number of anchors that are of objects in the batch, at least 1. (Hard negatives, not the focal
 * loss: nothing has to be set.)
 *
 * <p>Computed in double on the host, whatever the device: the predictions are few. The {@link
 * AnchorTargets} are read in the forward and in the backward pass and must stay as they are
 * between. Confined to one thread.
 */
public final class MultiboxLoss implements CustomOp {
  /** Background anchors that count for each anchor of an object. */
  public static final int NEGATIVES = 3;

  private final AnchorTargets targets;
  private float[] predictions = new float[0];
  private float[] gradient = new float[0];

  /** Cross-entropy of each background anchor of an image; NaN of the others. */
  private final double[] losses;

  private final double[] sorted;

  /**
   * A loss of predictions.
   *
   * @param targets filled before each pass
   */
  public MultiboxLoss(AnchorTargets targets) {
    this.targets = targets;
    losses = new double[targets.anchors().count()];
    sorted = new double[losses.length];
  }

  @Override
  public String name() {
    return "multibox_loss";
  }

  /** {@return a scalar's shape} */
  @Override
  public Shape outputShape(Shape... inputs) {
    int numbers = targets.anchors().count() * targets.anchors().numbers();
    if (inputs.length != 1 || !inputs[0].equals(Shape.of(targets.count(), numbers))) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "multibox_loss: predictions are %s, %d images need [%d,%d]",
              Arrays.toString(inputs),
              targets.count(),
              targets.count(),
              numbers));
    }
    return Shape.of();
  }

  @Override
  public boolean supports(Device device) {
    return true;
  }

  @Override
  public void forward(Backend backend, Tensor[] inputs, Tensor output) {
    backend.elementwise().fill(output, (float) compute(backend, inputs[0], false));
  }

  @Override
  public void backward(Backend backend, Tensor[] inputs, Tensor dy, @Nullable Tensor[] gradients) {
    compute(backend, inputs[0], true);
    Tensor dx = gradients[0];
    if (dx != null) {
      backend.upload(gradient, 0, dx);
      backend.elementwise().scale(dx, (float) backend.elementwise().sum(dy), dx);
    }
  }

  /**
   * {@return the loss of predictions, nothing recorded}
   *
   * @param backend of the predictions
   * @param x as the op takes them
   */
  public double value(Backend backend, Tensor x) {
    return compute(backend, x, false);
  }

  /**
   * {@return the share of the anchors that are of objects whose class is more probable than every
   * other and the background; 0 where there are none}
   *
   * @param backend of the predictions
   * @param x as the op takes them
   */
  public double right(Backend backend, Tensor x) {
    download(backend, x);
    int objects = 0;
    int right = 0;
    for (int image = 0; image < targets.count(); image++) {
      for (int anchor = 0; anchor < losses.length; anchor++) {
        int label = targets.label(image, anchor);
        if (label != AnchorTargets.BACKGROUND) {
          int numbers = targets.anchors().numbers();
          int at = (image * losses.length + anchor) * numbers + Detect.BOX;
          objects++;
          right += largest(at) == label ? 1 : 0;
        }
      }
    }
    return objects == 0 ? 0 : (double) right / objects;
  }

  private int largest(int at) {
    int largest = 0;
    for (int i = 1; i <= targets.anchors().classes(); i++) {
      largest = predictions[at + i] > predictions[at + largest] ? i : largest;
    }
    return largest;
  }

  private void download(Backend backend, Tensor x) {
    if (predictions.length != x.size()) {
      predictions = new float[x.size()];
      gradient = new float[x.size()];
    }
    backend.download(x, predictions, 0);
  }

  private double compute(Backend backend, Tensor x, boolean withGradient) {
    download(backend, x);
    if (withGradient) {
      Arrays.fill(gradient, 0);
    }
    int objects = 0;
    for (int image = 0; image < targets.count(); image++) {
      objects += objects(image);
    }
    double scale = 1.0 / Math.max(1, objects);
    double sum = 0;
    for (int image = 0; image < targets.count(); image++) {
      sum += image(image, scale, withGradient);
    }
    return sum * scale;
  }

  private int objects(int image) {
    int objects = 0;
    for (int anchor = 0; anchor < losses.length; anchor++) {
      objects += targets.label(image, anchor) == AnchorTargets.BACKGROUND ? 0 : 1;
    }
    return objects;
  }

  private double image(int image, double scale, boolean withGradient) {
    int numbers = targets.anchors().numbers();
    int first = image * losses.length * numbers;
    double sum = 0;
    int background = 0;
    for (int anchor = 0; anchor < losses.length; anchor++) {
      int at = first + anchor * numbers;
      int label = targets.label(image, anchor);
      double loss = crossEntropy(at + Detect.BOX, label);
      if (label == AnchorTargets.BACKGROUND) {
        losses[anchor] = loss;
        sorted[background++] = loss;
      } else {
        losses[anchor] = Double.NaN;
        sum += loss + smoothL1(image, anchor, at, scale, withGradient);
        if (withGradient) {
          softmaxGradient(at + Detect.BOX, label, scale);
        }
      }
    }
    int objects = losses.length - background;
    int hard = (int) Math.min(background, (long) NEGATIVES * objects);
    if (hard > 0) {
      sum += background(first, background, hard, scale, withGradient);
    }
    return sum;
  }

  /** The hardest; of equally hard ones, those of the first anchors. */
  private double background(
      int first, int background, int hard, double scale, boolean withGradient) {
    Arrays.sort(sorted, 0, background);
    double least = sorted[background - hard];
    int left = hard;
    double sum = 0;
    for (int i = background - 1; i >= background - hard; i--) {
      sum += sorted[i];
      left -= sorted[i] > least ? 1 : 0;
    }
    if (withGradient) {
      for (int anchor = 0; anchor < losses.length; anchor++) {
        if (losses[anchor] > least || (losses[anchor] == least && left-- > 0)) {
          int at = first + anchor * targets.anchors().numbers() + Detect.BOX;
          softmaxGradient(at, AnchorTargets.BACKGROUND, scale);
        }
      }
    }
    return sum;
  }

  private double crossEntropy(int at, int label) {
    return logSum(at) - predictions[at + label];
  }

  private double logSum(int at) {
    int classes = 1 + targets.anchors().classes();
    double largest = predictions[at];
    for (int i = 1; i < classes; i++) {
      largest = Math.max(largest, predictions[at + i]);
    }
    double sum = 0;
    for (int i = 0; i < classes; i++) {
      sum += Math.exp(predictions[at + i] - largest);
    }
    return largest + Math.log(sum);
  }

  private void softmaxGradient(int at, int label, double scale) {
    double logSum = logSum(at);
    for (int i = 0; i <= targets.anchors().classes(); i++) {
      double probability = Math.exp(predictions[at + i] - logSum);
      gradient[at + i] = (float) (scale * (i == label ? probability - 1 : probability));
    }
  }

  private double smoothL1(int image, int anchor, int at, double scale, boolean withGradient) {
    double sum = 0;
    for (int i = 0; i < Detect.BOX; i++) {
      double d = (double) predictions[at + i] - targets.offset(image, anchor, i);
      double size = Math.abs(d);
      sum += size < 1 ? d * d / 2 : size - 0.5;
      if (withGradient) {
        gradient[at + i] = (float) (scale * Math.clamp(d, -1, 1));
      }
    }
    return sum;
  }
}
