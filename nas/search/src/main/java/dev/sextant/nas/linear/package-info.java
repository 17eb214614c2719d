/** Small dense linear algebra in double: hundreds of rows, not thousands. */
package dev.sextant.nas.linear;
