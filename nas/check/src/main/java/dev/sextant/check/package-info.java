/**
 * {@code sextant gpu-check}: what shows on a device whether it works and how fast. It lies on the
 * class path with the tests it runs, apart from the command line.
 */
package dev.sextant.check;
