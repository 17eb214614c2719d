package dev.sextant.nas.prior;

import dev.sextant.autograd.nn.Module;
import dev.sextant.runtime.Architecture;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Tensor;

/**
 * A network that nothing has trained yet.
 *
 * @param architecture of the network
 * @param network its trainable form, or a supernet that is set to it, with fresh weights that are
 *     frozen: a pass back gives no gradients of theirs
 * @param backend of the network and the images
 * @param images some, {@code [N, H, W, C]}, normalised
 */
public record PriorRequest(
    Architecture architecture, Module network, Backend backend, Tensor images) {}
