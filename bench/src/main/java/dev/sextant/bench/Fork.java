package dev.sextant.bench;

/**
 * What one JVM measured.
 *
 * @param millis mean time of a step
 * @param bytes taken from the JVM's heap in a step, NaN where not known
 */
record Fork(double millis, double bytes) {}
