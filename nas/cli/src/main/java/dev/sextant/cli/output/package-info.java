/** How commands tell what they do and what came of it: for a person, or for a program. */
package dev.sextant.cli.output;
