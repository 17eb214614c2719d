/** What networks are worth as far as it shows without training any. */
package dev.sextant.nas.prior;
