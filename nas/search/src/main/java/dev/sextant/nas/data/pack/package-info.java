/**
 * Where pixels lie: arrays, files that are decoded as they are asked for, packs that are mapped.
 */
package dev.sextant.nas.data.pack;
