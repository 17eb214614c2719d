package dev.sextant.nas.cost;

/** How much a cost tells of the networks of a space; each tells what those before it do. */
public enum CostDetail {
  /** What a given network costs. */
  SAMPLED,
  /** The expectation over networks, and its gradient by their probabilities. */
  EXPECTED,
  /** What each layer adds to it. */
  LAYERS
}
