/**
 * Labelled images: readers, a built-in generator, splits, augmentation and batches.
 *
 * <p>Everything is in memory as bytes, NHWC, and deterministic: an augmented image depends only on
 * the seed, the epoch and its index.
 */
package dev.sextant.nas.data;
