/** Runs, measurements and training on Apache Spark; the only place that names it. */
package dev.sextant.spark;
