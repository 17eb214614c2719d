/** The commands of {@code sextant}, one class each. */
package dev.sextant.cli;
