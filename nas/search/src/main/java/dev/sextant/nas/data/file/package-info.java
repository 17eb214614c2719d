/** Where data lies: folders, what of them may be read, and binary files. */
package dev.sextant.nas.data.file;
