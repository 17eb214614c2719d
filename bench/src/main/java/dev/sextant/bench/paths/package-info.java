/** The hot paths themselves, one class a kind, each in this engine and in its peer. */
package dev.sextant.bench.paths;
