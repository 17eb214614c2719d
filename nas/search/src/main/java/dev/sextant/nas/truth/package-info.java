/** Tables of what a space's networks are worth when each is trained alone, to judge searches by. */
package dev.sextant.nas.truth;
