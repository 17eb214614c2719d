/** The same small service on two engines, to be put under load from another process. */
package dev.sextant.bench.service;
