package dev.sextant.runtime;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.tensor.Device;
import dev.sextant.tensor.Rng;
import org.junit.jupiter.api.Test;
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
    SharedWeights weights = new SharedWeights(Device.CPU, builder.parameters());
    try (Execution execution = new Execution(program, plan, weights, Device.CPU, 1)) {
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
}
