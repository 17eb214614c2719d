package dev.sextant.nas.objective;

import dev.sextant.nas.provider.Options;

/**
 * What an objective is made of.
 *
 * @param lambda the trade-off to start from
 * @param budget T, in the unit of the costs
 * @param options the values of the provider's own options
 */
public record ObjectiveRequest(double lambda, double budget, Options options) {}
