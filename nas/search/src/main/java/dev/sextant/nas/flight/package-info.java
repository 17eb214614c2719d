/** What JDK Flight Recorder sees of a run. */
package dev.sextant.nas.flight;
