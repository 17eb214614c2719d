/** Training one given network, and what the compiled model makes of images. */
package dev.sextant.nas.train;
