package dev.sextant.nas.prior;

import dev.sextant.autograd.nn.Module;
import dev.sextant.runtime.Architecture;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Tensor;
import java.util.List;

/**
 * A network that nothing has trained yet.
 *
 * @param architecture of the network
 * @param network its trainable form, with fresh weights that are frozen: a pass back gives no
 *     gradients of theirs
 * @param backend of the network and the images
 * @param images some, normalised, in batches {@code [N, H, W, C]}: a pass over one takes no more
 *     memory than a step of training
 */
public record PriorRequest(
    Architecture architecture, Module network, Backend backend, List<Tensor> images) {
  /** Copies the list. */
  public PriorRequest {
    images = List.copyOf(images);
  }
}
