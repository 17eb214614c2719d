/** Methods: what a search is made of, and its numbers. */
package dev.sextant.nas.method;
