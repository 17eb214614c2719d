/** Who else was at work on this machine while something was measured. */
package dev.sextant.nas.measure;
