/**
 * libtorch, through DJL, as the peer of benchmarks and the oracle of parity tests: the same ops,
 * blocks and steps on the same data, with tensors converted between this engine's layouts and
 * libtorch's. Work is given to libtorch as TorchScript made in memory, so that a whole block or
 * step is one native call and every operator of libtorch can be asked for by its name.
 */
package dev.sextant.bench.libtorch;
