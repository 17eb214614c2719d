package dev.sextant.bench;

import dev.sextant.tensor.CallRules;

/** Of the benchmarks and every module below them. */
class CallRulesTest extends CallRules {}
