package dev.sextant.nas.train;

import dev.sextant.nas.data.ClassNames;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.data.Normalization;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.run.RunFile;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.SextantException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * A network and its trained weights, as a run leaves them.
 *
 * @param name what errors call it: a path
 * @param architecture the network
 * @param weights of it, with what is known of its classes and pixels
 * @param classNames in the order of the logits; absent where neither weights nor run tell
 */
public record TrainedModel(
    String name, Architecture architecture, Weights weights, Optional<List<String>> classNames) {

  /**
   * {@return the model in a directory, such as that of a run}
   *
   * @param folder with {@code architecture.json} and {@code weights.safetensors}
   * @throws SextantException if one is missing or damaged, or they do not fit together
   */
  public static TrainedModel read(Path folder) {
    RunDirectory directory = new RunDirectory(folder);
    for (Path file : new Path[] {directory.architecture(), directory.weights()}) {
      if (!Files.isRegularFile(file)) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "%s: holds no trained model (%s is missing)",
                folder,
                file.getFileName()));
      }
    }
    Architecture architecture = Architecture.read(directory.architecture());
    Weights weights = Weights.read(directory.weights());
    weights.check(architecture);
    Optional<List<String>> names =
        ClassNames.of(weights, architecture.classes())
            .or(new RunFile(directory)::classNames)
            .filter(known -> known.size() == architecture.classes());
    return new TrainedModel(
        folder.toString(),
        architecture,
        names.map(known -> named(weights, known)).orElse(weights),
        names);
  }

  /** Weights that say it themselves, wherever they are copied. */
  private static Weights named(Weights weights, List<String> names) {
    Map<String, String> metadata = new LinkedHashMap<>(weights.metadata());
    ClassNames.put(names, metadata);
    return new Weights(weights.entries(), metadata);
  }

  /**
   * {@return the model of an architecture and the file of its weights}
   *
   * @param architecture the network
   * @param weights its weights
   * @throws SextantException if the file is missing or damaged, or holds another network's weights
   */
  public static TrainedModel of(Architecture architecture, Path weights) {
    Weights read = Weights.read(weights);
    read.check(architecture);
    return new TrainedModel(
        weights.toString(), architecture, read, ClassNames.of(read, architecture.classes()));
  }

  /**
   * {@return images with the labels that the model gives them, and the pixels as it knows them: by
   * the names of its classes, and normalised as those it was trained on, where that is known}
   *
   * @param images of any data
   * @throws SextantException if a class of the images is none of the model's, or their numbers
   *     differ where it has no names
   */
  public ImageDataset fit(ImageDataset images) {
    ImageDataset named = classNames.map(images::withClasses).orElse(images);
    if (named.classes() != architecture.classes()) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s: %d classes do not fit the %d of the model %s",
              images.name(),
              images.classes(),
              architecture.classes(),
              name));
    }
    return normalized(named);
  }

  /**
   * {@return images normalised as those that the model was trained on, where that is known}
   *
   * @param images of any data
   */
  public ImageDataset normalized(ImageDataset images) {
    return Normalization.of(weights.metadata(), images.channels())
        .map(images::withNormalization)
        .orElse(images);
  }
}
