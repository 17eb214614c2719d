/** How accuracy or loss and cost become one number. */
package dev.sextant.nas.objective;
