package dev.sextant.nas.supernet;

import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.nn.Module;
import dev.sextant.autograd.nn.Sequential;
import dev.sextant.nas.space.Position;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.Layer;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * The over-parameterised network of a space: every candidate of every choice with weights of its
 * own, one path active at a time (ProxylessNAS, section 3.1 and 3.2). Paths of parameters are
 * {@code layers.I.…} for fixed layers and {@code layers.I.choice.J.…} for candidates.
 */
public final class Supernet extends Module {
  private final List<Module> positions = new ArrayList<>();
  private final List<MixedLayer> choices;
  private final List<Parameter> parameters;

  /** A network with fresh weights. */
  public Supernet(Space space, Initializer init) {
    List<MixedLayer> mixedLayers = new ArrayList<>();
    Shape[] inputs = space.inputShapes();
    for (int i = 0; i < inputs.length; i++) {
      Shape input = inputs[i];
      Module module =
          switch (space.positions().get(i)) {
            case Position.Fixed fixed ->
                Modules.of(fixed.layer(), input, space.batchNormEpsilon(), init);
            case Position.Choice choice -> {
              MixedLayer mixed = mixed(choice, input, space.batchNormEpsilon(), init);
              mixedLayers.add(mixed);
              yield mixed;
            }
          };
      positions.add(child("layers." + i, module));
    }
    choices = List.copyOf(mixedLayers);
    parameters = List.copyOf(parameters().values());
  }

  private static MixedLayer mixed(
      Position.Choice choice, Shape input, double epsilon, Initializer init) {
    List<Module> candidates = new ArrayList<>();
    for (Layer layer : choice.candidates()) {
      candidates.add(Modules.of(layer, input, epsilon, init));
    }
    return new MixedLayer(candidates);
  }

  /** The choices in the order of the space. */
  public List<MixedLayer> choices() {
    return choices;
  }

  /** Opens one gate of each choice, without gates' gradients. */
  public void activate(int[] decisions) {
    for (int i = 0; i < choices.size(); i++) {
      choices.get(i).activate(decisions[i]);
    }
  }

  /** Freezes all weights, for an architecture step, or thaws them. */
  public void freezeWeights(boolean frozen) {
    for (int i = 0; i < parameters.size(); i++) {
      parameters.get(i).setFrozen(frozen);
    }
  }

  @Override
  public Variable forward(Tape tape, Variable x) {
    return Sequential.run(tape, positions, x);
  }

  /** Weights of the network of these decisions, under the paths that {@link Network} has. */
  public SequencedMap<String, Tensor> inherited(int[] decisions) {
    SequencedMap<String, Tensor> weights = new LinkedHashMap<>();
    int choice = 0;
    for (int i = 0; i < positions.size(); i++) {
      Module module = positions.get(i);
      if (module instanceof MixedLayer mixed) {
        module = mixed.candidates().get(decisions[choice++]);
      }
      String prefix = "layers." + i + ".";
      module.state().forEach((path, tensor) -> weights.put(prefix + path, tensor));
    }
    return weights;
  }
}
