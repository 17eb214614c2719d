/**
 * Object detection, TuNAS's second task (Bender et al., 2020, appendix E.3): images with labelled
 * boxes, the loss that networks with {@link dev.sextant.runtime.layer.Detect} layers are trained
 * by, and the metric of COCO.
 */
package dev.sextant.nas.detection;
