/** A run's files: what it was asked to do, what happened, what it came to. */
package dev.sextant.nas.run;
