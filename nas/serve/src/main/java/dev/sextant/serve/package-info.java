/** A model behind the V2 inference protocol, which KServe, Triton and DJL Serving speak. */
package dev.sextant.serve;
