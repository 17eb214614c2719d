/**
 * Objects in images: from the numbers that a network's {@link dev.sextant.runtime.layer.Detect}
 * layers predict to boxes in pixels. {@link dev.sextant.runtime.detection.Detector} is what an
 * application uses.
 */
package dev.sextant.runtime.detection;
