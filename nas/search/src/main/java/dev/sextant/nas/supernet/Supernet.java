package dev.sextant.nas.supernet;

import dev.sextant.autograd.Parameter;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.nn.Module;
import dev.sextant.nas.space.Factors;
import dev.sextant.nas.workers.Sharing;
import dev.sextant.tensor.Backend;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A network of all networks of a space: its decisions can be set, and their candidates hold weights
 * in some way. Confined to the thread of its backend.
 */
public abstract class Supernet extends Module {
  private @Nullable List<Parameter> parameters;

  /** A supernet; its constructor registers the weights. */
  protected Supernet() {}

  /** {@return the factors it can be set by} */
  public abstract Factors factoring();

  /**
   * Sets what the next passes run.
   *
   * @param options one of each factor, or {@link Factors#ALL} for the mean of all of an operation
   */
  public abstract void setOptions(int[] options);

  /**
   * Sets the network of these decisions.
   *
   * @param decisions an option of each decision, in the order of the space
   */
  public final void setDecisions(int[] decisions) {
    setOptions(factoring().options(decisions));
  }

  /**
   * {@return what a weight step is for batch norm: whether there are running statistics of each
   * candidate that it updates}
   */
  public abstract Tape.Mode trainingMode();

  /**
   * Copies the weights of the network of these decisions into that network.
   *
   * @param decisions an option of each decision, in the order of the space
   * @param network the network of these decisions, whose weights are overwritten
   */
  public abstract void copyWeights(int[] decisions, Network network);

  /**
   * Names what a backward pass has left beside the gradients of the weights, to be shared.
   *
   * @param sharing to be told of it
   */
  public void share(Sharing sharing) {}

  /**
   * Has every block take part from the start, rather than begin as the identity: sets the scale of
   * all batch norms to 1. For a supernet whose networks are to be scored: with the identity start
   * leaving out a whole block looks harmless.
   *
   * @param backend of the supernet
   */
  public final void startUnscaled(Backend backend) {
    Modules.unitNorms(this, backend);
  }

  /**
   * Freezes all weights, for an architecture step, or thaws them.
   *
   * @param frozen whether gradients of the weights are left out from now on
   */
  public final void freezeWeights(boolean frozen) {
    if (parameters == null) {
      parameters = List.copyOf(parameters().values());
    }
    for (int i = 0; i < parameters.size(); i++) {
      parameters.get(i).setFrozen(frozen);
    }
  }
}
