/** Images before a network takes them: channels and size, as in training. */
package dev.sextant.runtime.image;
