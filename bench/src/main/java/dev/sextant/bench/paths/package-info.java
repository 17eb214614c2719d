/** The hot paths themselves, one class a kind, each in this engine and in libtorch. */
package dev.sextant.bench.paths;
