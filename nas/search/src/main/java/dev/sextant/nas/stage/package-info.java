/** Parts of a run that go step by step, and what they come to. */
package dev.sextant.nas.stage;
