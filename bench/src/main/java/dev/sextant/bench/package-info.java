/** Benchmarks of every hot path beside its peer: what is measured, how, and what comes of it. */
package dev.sextant.bench;
