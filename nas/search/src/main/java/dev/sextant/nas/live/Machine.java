package dev.sextant.nas.live;

import com.google.gson.JsonObject;
import java.lang.management.ManagementFactory;

/** What this machine is busy with. */
final class Machine {
  private Machine() {}

  /** Load, 0 to 1, and bytes of memory. */
  static JsonObject state() {
    JsonObject state = new JsonObject();
    if (ManagementFactory.getOperatingSystemMXBean()
        instanceof com.sun.management.OperatingSystemMXBean system) {
      double load = system.getCpuLoad();
      if (load >= 0) {
        state.addProperty("load", load);
      }
      state.addProperty("memoryBytes", system.getTotalMemorySize());
      state.addProperty("freeBytes", system.getFreeMemorySize());
    }
    state.addProperty("processors", Runtime.getRuntime().availableProcessors());
    return state;
  }
}
