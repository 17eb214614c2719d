package dev.sextant.nas.data;

import java.nio.file.Path;

/** An image file and the class it belongs to. */
record LabelledFile(Path path, int label) {}
