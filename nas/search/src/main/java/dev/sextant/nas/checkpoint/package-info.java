/** What a run needs to continue to the same bits. */
package dev.sextant.nas.checkpoint;
