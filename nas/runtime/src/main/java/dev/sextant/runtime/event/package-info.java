/** What JDK Flight Recorder is told; costs nothing while it is off. */
package dev.sextant.runtime.event;
