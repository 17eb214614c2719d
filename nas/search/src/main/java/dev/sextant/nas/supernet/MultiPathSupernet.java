package dev.sextant.nas.supernet;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.autograd.nn.Initializer;
import dev.sextant.autograd.nn.Module;
import dev.sextant.nas.space.Factoring;
import dev.sextant.nas.space.Position;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.workers.Sharing;
import dev.sextant.runtime.layer.Junction;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.SequencedMap;

/**
 * The over-parameterised network of a space: every candidate of every choice with weights of its
 * own, one path active at a time (ProxylessNAS, section 3.1 and 3.2). Paths of parameters are
 * {@code layers.I.…} for fixed layers and {@code layers.I.choice.J.…} for candidates.
 */
public final class MultiPathSupernet extends SampledSupernet {
  private final List<Module> positions = new ArrayList<>();
  private final List<MixedLayer> choices;
  private final Backend backend;
  private final Factoring factoring;

  /**
   * A network with fresh weights, whose averages are rematerialised.
   *
   * @param space whose networks it holds
   * @param init how fresh weights are drawn
   */
  public MultiPathSupernet(Space space, Initializer init) {
    this(space, init, Averaging.REMATERIALIZED);
  }

  /**
   * A network with fresh weights.
   *
   * @param space whose networks it holds
   * @param init how fresh weights are drawn
   * @param averaging of candidates, where all of a choice are selected
   * @throws SextantException if the space searches widths, which only shared weights can have
   */
  public MultiPathSupernet(Space space, Initializer init, Averaging averaging) {
    check(space);
    backend = init.backend();
    factoring = Factoring.flat(space);
    List<MixedLayer> mixedLayers = new ArrayList<>();
    Averaging[] plan = averaging.plan(space);
    Shape[] inputs = space.inputShapes();
    for (int i = 0; i < inputs.length; i++) {
      Shape input = inputs[i];
      Module module =
          switch (space.positions().get(i)) {
            case Position.Fixed(Junction junction) -> new Chain.JunctionModule(junction);
            case Position.Fixed fixed ->
                Modules.of(fixed.layer(), input, space.batchNormEpsilon(), init);
            case Position.Choice choice -> {
              MixedLayer mixed = mixed(choice, input, space.batchNormEpsilon(), init, plan[i]);
              mixedLayers.add(mixed);
              yield mixed;
            }
          };
      positions.add(child("layers." + i, module));
    }
    choices = List.copyOf(mixedLayers);
  }

  /**
   * Checks that each candidate of a space can have weights of its own.
   *
   * @param space whose networks it holds
   * @throws SextantException if the space searches widths, which only shared weights can have
   */
  public static void check(Space space) {
    if (!space.widthChoices().isEmpty()) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "multi-path: %s searches widths, which need collapsed weights",
              space.name()));
    }
  }

  private static MixedLayer mixed(
      Position.Choice choice, Shape input, double epsilon, Initializer init, Averaging averaging) {
    List<LayerModule> candidates = new ArrayList<>();
    for (Layer layer : choice.candidates()) {
      candidates.add(new LayerModule(layer, input, epsilon, init));
    }
    return new MixedLayer(candidates, averaging);
  }

  @Override
  public void share(Sharing sharing) {
    choices.forEach(choice -> choice.share(sharing));
  }

  /** {@return the choices in the order of the space} */
  public List<MixedLayer> choices() {
    return choices;
  }

  @Override
  public Factoring factoring() {
    return factoring;
  }

  /** Opens one gate of each choice, or averages its candidates, without gates' gradients. */
  @Override
  public void setOptions(int[] options) {
    for (int i = 0; i < choices.size(); i++) {
      if (options[i] == Factoring.ALL) {
        choices.get(i).average();
      } else {
        choices.get(i).activate(options[i]);
      }
    }
  }

  @Override
  public Tape.Mode trainingMode() {
    return Tape.Mode.TRAIN;
  }

  @Override
  public Variable forward(Tape tape, Variable x) {
    return Chain.run(tape, positions, x);
  }

  @Override
  public void copyWeights(int[] decisions, Network network) {
    network.load(backend, inherited(decisions));
  }

  /**
   * {@return weights of the network of these decisions, under the paths that {@link Network} has}
   *
   * @param decisions an option of each decision, in the order of the space
   */
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
