/** The JSON of architectures and spaces: strict reading, stable writing. Not part of the API. */
package dev.sextant.runtime.json;
