package dev.sextant.micrometer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.CompiledModel.Order;
import dev.sextant.runtime.Weights;
import dev.sextant.runtime.service.ModelPool;
import dev.sextant.runtime.service.PoolLimits;
import dev.sextant.tensor.SextantException;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class RequestMetersTest {
  private static final Architecture NETWORK =
      Architecture.parse(
          """
          {"format": "sextant-architecture/1", "name": "tiny", "classes": 2,
           "input": {"height": 4, "width": 4, "channels": 1},
           "layers": [{"op": "global-avg-pool"}, {"op": "linear", "out": 2}]}
          """,
          "tiny");

  @Test
  void requestsAreCountedAndTimedByHowTheyEnded() {
    SimpleMeterRegistry registry = new SimpleMeterRegistry();
    RequestMeters meters = new RequestMeters(registry);
    try (CompiledModel model = CompiledModel.compile(NETWORK, Weights.random(NETWORK, 1));
        ModelPool pool =
            new ModelPool(model, List.of(), PoolLimits.of(1, Duration.ofSeconds(9)), meters)) {
      meters.bind(pool, "digits");
      for (int i = 0; i < 5; i++) {
        pool.classify(MemorySegment.ofArray(new byte[16]), Order.PLANAR, 1);
      }
      MemorySegment wrong = MemorySegment.ofArray(new byte[15]);
      assertThrows(SextantException.class, () -> pool.classify(wrong, Order.PLANAR, 1));
      Timer answered = timer(registry, "answered");
      assertEquals(5, answered.count());
      assertEquals(1, timer(registry, "failed").count());
      assertEquals(0, timer(registry, "overloaded").count());
      Timer queue = registry.get("sextant.requests.queue").tag("model", "tiny").timer();
      assertEquals(5, queue.count());
      double total = answered.totalTime(TimeUnit.NANOSECONDS);
      assertTrue(total > queue.totalTime(TimeUnit.NANOSECONDS), total + " ns");
      assertEquals(
          0, registry.get("sextant.requests.waiting").tag("pool", "digits").gauge().value());
    }
  }

  private static Timer timer(SimpleMeterRegistry registry, String outcome) {
    return registry.get("sextant.requests").tag("model", "tiny").tag("outcome", outcome).timer();
  }
}
