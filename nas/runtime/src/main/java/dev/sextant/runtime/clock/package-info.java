/** The processor's own speed, which latencies go with. */
package dev.sextant.runtime.clock;
