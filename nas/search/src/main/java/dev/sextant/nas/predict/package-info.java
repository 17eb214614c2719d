/** Latency predicted from an encoded architecture: the LPM of Latency-Aware DARTS. */
package dev.sextant.nas.predict;
