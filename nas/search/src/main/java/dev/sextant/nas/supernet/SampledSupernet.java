package dev.sextant.nas.supernet;

/**
 * A supernet whose passes can be those of any one of its networks, with the weights that network
 * has: what a policy that draws networks needs.
 */
public abstract class SampledSupernet extends Supernet {
  /** A supernet; its constructor registers the weights. */
  protected SampledSupernet() {}
}
