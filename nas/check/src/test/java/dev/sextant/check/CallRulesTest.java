package dev.sextant.check;

import dev.sextant.tensor.CallRules;

/** Of the command line and every module below it. */
class CallRulesTest extends CallRules {}
