package dev.sextant.cli;

import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.Weights;
import dev.sextant.runtime.pretrained.Pretrained;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Weights as the command line names them: {@code FILE}, or {@code timm:FILE} and {@code
 * torchvision:FILE} for safetensors by those libraries' names.
 *
 * @param architecture the network, with the epsilon of those libraries
 * @param weights its weights
 */
record GivenWeights(Architecture architecture, Weights weights) {
  /** Of the images that both libraries' networks are trained on. */
  private static final String MEAN = "0.485,0.456,0.406";

  private static final String DEVIATION = "0.229,0.224,0.225";
  private static final int COLOURS = 3;

  /** The file behind the name of a library, if there is one. */
  static Optional<Path> foreign(String given) {
    for (String library : new String[] {"timm:", "torchvision:"}) {
      if (given.startsWith(library)) {
        return Optional.of(Path.of(given.substring(library.length())));
      }
    }
    return Optional.empty();
  }

  /** The weights of a network. */
  static GivenWeights of(String given, Architecture architecture) {
    Optional<Path> foreign = foreign(given);
    if (foreign.isEmpty()) {
      return new GivenWeights(architecture, Weights.read(Path.of(given)));
    }
    Path file = foreign.get();
    Weights state = Weights.read(file);
    if (architecture.input().channels() == COLOURS) {
      state = or(or(state, CompiledModel.MEAN, MEAN), CompiledModel.DEVIATION, DEVIATION);
    }
    Pretrained read = Pretrained.of(state, file.toString(), architecture);
    return new GivenWeights(read.architecture(), read.weights());
  }

  private static Weights or(Weights weights, String key, String value) {
    return weights.metadata().containsKey(key) ? weights : weights.withMetadata(key, value);
  }
}
