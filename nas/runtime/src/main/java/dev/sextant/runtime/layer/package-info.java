/** The layers of networks, one file each, and the registry that providers add theirs to. */
package dev.sextant.runtime.layer;
