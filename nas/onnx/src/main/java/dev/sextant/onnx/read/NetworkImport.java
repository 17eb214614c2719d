package dev.sextant.onnx.read;

import dev.sextant.onnx.proto.ModelProto;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A network that was a file.
 *
 * @param architecture the network
 * @param weights its weights, with the file's texts
 */
public record NetworkImport(Architecture architecture, Weights weights) {
  private static final int MOST_TEXTS = 1000;

  /**
   * The network of a model.
   *
   * @param source what errors call it
   * @param given the image it takes, where the model does not say it
   */
  public static NetworkImport of(
      ModelProto model, String source, Architecture.@Nullable Input given) {
    GraphImport reader = new GraphImport(model, source, given);
    ImportGraph graph = reader.read();
    Shape image = graph.shape(0);
    Architecture.Input input = new Architecture.Input(image.get(1), image.get(2), image.channels());
    int classes = graph.shape(graph.nodes().size()).channels();
    Recognition found = new Recognition(graph, reader.epsilon());
    String name = Architecture.isName(model.name()) ? model.name() : "imported";
    try {
      Architecture architecture =
          new Architecture(name, classes, input, reader.epsilon(), found.layers());
      Map<String, String> texts = texts(model);
      if (reader.takesPixels()) {
        // What the file scales itself is a layer now: pixels come to it as they are.
        texts.put(CompiledModel.MEAN, each("0", input.channels()));
        texts.put(CompiledModel.DEVIATION, each(Double.toString(1 / 255.0), input.channels()));
      }
      texts.put(Weights.ARCHITECTURE, architecture.sha256());
      Weights weights = new Weights(found.weights(), texts);
      weights.check(architecture);
      return new NetworkImport(architecture, weights);
    } catch (SextantException e) {
      throw new SextantException(source + ": " + e.getMessage(), e);
    }
  }

  private static String each(String number, int channels) {
    return String.join(",", Collections.nCopies(channels, number));
  }

  private static Map<String, String> texts(ModelProto model) {
    Map<String, String> texts = new LinkedHashMap<>();
    for (Map.Entry<String, String> text : model.metadata().entrySet()) {
      if (texts.size() < MOST_TEXTS) {
        texts.put(text.getKey(), text.getValue());
      }
    }
    return texts;
  }
}
