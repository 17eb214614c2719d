/** What stands in images: objects of classes in boxes, and how they are seen in parts of images. */
package dev.sextant.nas.data.scene;
