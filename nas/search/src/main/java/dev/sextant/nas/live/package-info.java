/** Runs for a person to look at while they go on: a page on this machine's loopback. */
package dev.sextant.nas.live;
