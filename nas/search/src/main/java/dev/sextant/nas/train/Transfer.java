package dev.sextant.nas.train;

import dev.sextant.nas.data.ClassNames;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.data.Normalization;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.TrainingSetup;
import dev.sextant.nas.supernet.Network;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a training takes over from a trained network: the weights of all layers but the last, of
 * that too where the classes are the same in the same order, and how it sees pixels.
 */
public final class Transfer {
  /** Every layer but the last. */
  public static final String ALL_BUT_CLASSIFIER = "all-but-classifier";

  /** One layer or a range of them. */
  private static final Pattern LAYERS = Pattern.compile("layers\\.([0-9]{1,6})(?:-([0-9]{1,6}))?");

  private final TrainingSetup setup;
  private final ImageDataset data;
  private final @Nullable Weights from;

  private Transfer(TrainingSetup setup, ImageDataset data, @Nullable Weights from) {
    this.setup = setup;
    this.data = data;
    this.from = from;
  }

  /** What a run's directory holds of it; nothing where the run begins with new weights. */
  static Transfer of(RunDirectory directory, TrainingSetup setup, ImageDataset data) {
    List<String> names = setup.classNames();
    if (!names.isEmpty() && !names.equals(data.classNames())) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: the classes are %s, those of the run are %s",
              data.name(),
              ClassNames.some(data.classNames()),
              ClassNames.some(names)));
    }
    TrainingSetup.Start start = setup.start();
    if (start == null) {
      return new Transfer(setup, data, null);
    }
    RunDirectory.requireWeights(directory.start(), start.weights());
    Weights from = Weights.read(directory.start());
    ImageDataset seen =
        Normalization.of(from.metadata(), data.channels())
            .map(data::withNormalization)
            .orElse(data);
    return new Transfer(setup, seen, from);
  }

  /** The images as the network saw those before. */
  ImageDataset data() {
    return data;
  }

  /** Puts the weights into a network with new ones, and freezes what is not to be trained. */
  void begin(Network network, Backend backend) {
    TrainingSetup.Start start = setup.start();
    if (from == null || start == null) {
      return;
    }
    SequencedMap<String, Tensor> taken = new LinkedHashMap<>(network.state());
    if (!keepsClassifier(from, data.classNames())) {
      String last = "layers." + (setup.architecture().layers().size() - 1) + ".";
      taken.keySet().removeIf(name -> name.startsWith(last));
    }
    Map<String, Weights.Entry> entries = from.entries();
    taken.forEach((name, tensor) -> check(name, tensor, entries.get(name)));
    taken.forEach((name, tensor) -> backend.upload(from.get(name).values(), 0, tensor));
    network.freeze(start.frozen());
  }

  private void check(String name, Tensor tensor, Weights.@Nullable Entry entry) {
    if (entry == null || !entry.shape().equals(tensor.shape())) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: weights '%s' must be %s (it is %s)",
              setup.architecture().name(),
              name,
              tensor.shape(),
              entry == null ? "missing" : entry.shape()));
    }
  }

  /**
   * {@return whether a network's classifier is for the same classes in the same order}
   *
   * @param from the network's weights
   * @param classes of the images
   */
  public static boolean keepsClassifier(Weights from, List<String> classes) {
    return from.classNames().equals(classes);
  }

  /**
   * {@return how many of the first layers a text names}
   *
   * @param text {@value #ALL_BUT_CLASSIFIER}, or layers such as {@code layers.0-3,layers.4}
   * @param network whose layers they are
   * @throws SextantException if it names something else, or a layer behind one that is trained
   */
  public static int frozen(String text, Architecture network) {
    int body = network.layers().size() - 1;
    if (text.equals(ALL_BUT_CLASSIFIER)) {
      return body;
    }
    TreeSet<Integer> layers = new TreeSet<>();
    for (String part : text.split(",", -1)) {
      Matcher range = LAYERS.matcher(part);
      int first = range.matches() ? Integer.parseInt(range.group(1)) : -1;
      int last = first < 0 || range.group(2) == null ? first : Integer.parseInt(range.group(2));
      if (first < 0 || last < first || last >= body) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "freeze: '%s' is neither %s nor some of layers.0 to layers.%d, as in layers.0-3",
                part,
                ALL_BUT_CLASSIFIER,
                body - 1));
      }
      for (int i = first; i <= last; i++) {
        layers.add(i);
      }
    }
    if (layers.last() != layers.size() - 1) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "freeze: layers.%d stands behind a layer that is trained; the first layers can be"
                  + " frozen",
              layers.last()));
    }
    return layers.size();
  }
}
