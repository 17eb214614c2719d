/** PNG and JPEG files to pixels. */
package dev.sextant.nas.data.image;
