/** Search spaces as data: a chain of layers and choices, its JSON format, sizes and costs. */
package dev.sextant.nas.space;
