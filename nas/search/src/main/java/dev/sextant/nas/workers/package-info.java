/**
 * Many processes on one training, or on many runs: what the engine asks of them, and no network.
 */
package dev.sextant.nas.workers;
