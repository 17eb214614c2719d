package dev.sextant.kernels.emulator;

import dev.sextant.kernels.driver.Launch;
import dev.sextant.kernels.ptx.Parameter;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * A launch as a device sees it: grid, block, parameter block, and the memory it may touch.
 *
 * @param parameters in native order, each where its own size aligns it
 */
record Invocation(
    int gridX,
    int gridY,
    int gridZ,
    int blockX,
    int blockY,
    ByteBuffer parameters,
    GlobalAccess global) {

  /** What the backend launches, held to the extents that it gives with its pointers. */
  static Invocation of(Launch launch, DeviceMemory memory) {
    List<Parameter> parameters = launch.kernel().parameters();
    int[] offsets = launch.kernel().parameterOffsets();
    List<Long> pointers = new ArrayList<>();
    List<Long> extents = new ArrayList<>();
    for (int i = 0; i < parameters.size(); i++) {
      if (parameters.get(i).type() == Parameter.Type.POINTER && launch.extent(i) > 0) {
        pointers.add(launch.parameters().getLong(offsets[i]));
        extents.add(launch.extent(i));
      }
    }
    long[] reached = launch.reached();
    for (int i = 0; i < reached.length; i += 2) {
      pointers.add(reached[i]);
      extents.add(reached[i + 1]);
    }
    return new Invocation(
        launch.gridX(),
        launch.gridY(),
        launch.gridZ(),
        launch.blockX(),
        launch.blockY(),
        launch.parameters(),
        GlobalAccess.of(
            memory,
            pointers.stream().mapToLong(Long::longValue).toArray(),
            extents.stream().mapToLong(Long::longValue).toArray()));
  }
}
