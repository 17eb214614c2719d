package dev.sextant.runtime;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.sextant.runtime.layer.Conv;
import dev.sextant.runtime.layer.GlobalAvgPool;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.runtime.layer.Linear;
import dev.sextant.runtime.layer.MbConv;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class BufferPlanTest {
  /** Every buffer in a place of its own. */
  private static BufferPlan separate(Program program) {
    int[] offsets = new int[program.buffers()];
    int[] size = new int[offsets.length];
    for (Program.Value value : program.values()) {
      size[value.buffer()] = Math.max(size[value.buffer()], value.shape().size());
    }
    int end = 0;
    for (int i = 0; i < offsets.length; i++) {
      offsets[i] = end;
      end += size[i];
    }
    return new BufferPlan(offsets, end);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 4})
  void sharingBuffersChangesNothing(int batch) {
    Architecture architecture = CompiledModelTest.small();
    Weights weights = CompiledModelTest.trained(WeightNames.of(architecture), 5);
    ProgramBuilder builder = ProgramBuilder.network(architecture, weights, batch);
    Program program = builder.program();
    BufferPlan reusing = BufferPlan.reusing(program);
    BufferPlan separate = separate(program);
    assertTrue(reusing.size() < separate.size() / 2);
    float[] first = run(builder, program, reusing);
    assertArrayEquals(run(builder, program, separate), first);
  }

  /** Twice, so that what the first run left in the buffers could do harm. */
  private static float[] run(ProgramBuilder builder, Program program, BufferPlan plan) {
    SharedWeights weights = new SharedWeights(Device.CPU, 1, program, builder.parameters());
    try (Execution execution =
        new Execution(program, plan, weights, new Execution.Place(Device.CPU, 1))) {
      float[] images = new float[execution.input().size()];
      Weights.normal(new Rng(9), 1, images);
      for (int i = 0; i < 2; i++) {
        execution.backend().upload(images, 0, execution.input());
        execution.run();
      }
      return execution.output().toArray();
    }
  }

  @ParameterizedTest
  @MethodSource("dev.sextant.runtime.Architectures#names")
  void thePlanOfEveryPublishedNetworkIsAsSmallAsWhatIsLive(String name) {
    Architecture architecture = Architectures.named(name);
    Program program =
        ProgramBuilder.network(architecture, Weights.random(architecture, 1), 1).program();
    assertEquals(BufferPlan.bound(program), BufferPlan.reusing(program).size());
  }

  @Test
  void thePlanOfSqueezeAndResidualIsAsSmallAsWhatIsLive() {
    Architecture architecture = CompiledModelTest.small();
    Program program =
        ProgramBuilder.network(architecture, Weights.random(architecture, 1), 1).program();
    assertEquals(BufferPlan.bound(program), BufferPlan.reusing(program).size());
  }

  /** Ten thousand blocks with squeeze and residual, the most that an architecture can have. */
  @Test
  @Timeout(20)
  void deepNetworksArePlannedInTimeLinearInTheirLayers() {
    List<Layer> layers = new ArrayList<>();
    for (int i = 0; i < Architecture.MAX_LAYERS - 2; i++) {
      layers.add(new MbConv(3, 1, 2, 2, Activation.RELU6, 1, true));
    }
    layers.add(new GlobalAvgPool());
    layers.add(new Linear(2));
    Architecture architecture =
        new Architecture("deep", 2, new Architecture.Input(1, 1, 2), 1e-3, layers);
    Program program =
        ProgramBuilder.network(architecture, Weights.random(architecture, 1), 1).program();
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    BufferPlan plan = BufferPlan.reusing(program);
    long each = (threads.getCurrentThreadAllocatedBytes() - before) / program.steps().size();
    assertTrue(each < 4000, each + " bytes for each step");
    assertEquals(BufferPlan.bound(program), plan.size());
  }

  /** An image and what the first layer makes of it are each below 2^31 elements, but not both. */
  @Test
  void whatDoesNotFitIntoOneBlockIsSaid() {
    List<Layer> layers =
        List.of(new Conv(1, 1, 1, 7, true, Activation.RELU6), new GlobalAvgPool(), new Linear(10));
    Architecture architecture =
        new Architecture("wide", 10, new Architecture.Input(16384, 16384, 4), 1e-3, layers);
    Program program =
        ProgramBuilder.network(architecture, Weights.random(architecture, 1), 1).program();
    assertEquals(
        "network: its buffers take 2952790016 elements at once, more than the 2147483647 of one"
            + " block: take a smaller batch or image",
        assertThrows(SextantException.class, () -> BufferPlan.reusing(program)).getMessage());
  }
}
