package dev.sextant.nas.method;

/**
 * How long a run goes on; what {@link SearchConfig} calls the same.
 *
 * @param warmupEpochs of weight steps alone
 * @param epochs of the joint phase; without a supernet both together are shared by the samples
 * @param retrainEpochs of the network found
 * @param randomSamples networks that random search trains
 */
public record RunLength(int warmupEpochs, int epochs, int retrainEpochs, int randomSamples) {}
