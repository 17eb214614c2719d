package dev.sextant.runtime;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.tensor.Device;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Team;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Several models on the threads of one team. */
class SharedTeamTest {
  private static final Architecture NETWORK =
      Architecture.parse(
          """
          {"format": "sextant-architecture/1", "name": "tiny", "classes": 3,
           "input": {"height": 16, "width": 16, "channels": 3},
           "layers": [
             {"op": "conv", "kernel": 3, "stride": 2, "out": 16, "norm": "batch", "act": "relu6"},
             {"op": "mbconv", "kernel": 3, "expand": 3, "stride": 2, "out": 16},
             {"op": "global-avg-pool"}, {"op": "linear", "out": 3}]}
          """,
          "tiny");

  private static Set<Thread> workers() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("sextant-worker"))
        .collect(Collectors.toSet());
  }

  @Test
  void modelsTakeTurnsAndAnswerAsAlone() throws Exception {
    Set<Thread> before = workers();
    List<CompiledModel> models = new ArrayList<>();
    List<float[]> expected = new ArrayList<>();
    try (Team team = new Team(2, Duration.ofMillis(1));
        ExecutorService threads = Executors.newFixedThreadPool(4)) {
      List<Future<?>> ends = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        Weights weights = Weights.random(NETWORK, i);
        float[] alone = new float[3];
        try (CompiledModel own = CompiledModel.compile(NETWORK, weights, Device.CPU, 2, 1)) {
          own.run(own.randomImages(), alone);
        }
        expected.add(alone);
        models.add(
            i == 3 ? models.getFirst().fork() : CompiledModel.compile(NETWORK, weights, team, 1));
      }
      expected.set(3, expected.getFirst());
      for (int i = 0; i < 4; i++) {
        CompiledModel model = models.get(i);
        float[] logits = expected.get(i);
        assertEquals(2, model.threads());
        ends.add(
            threads.submit(
                () -> {
                  for (int run = 0; run < 200; run++) {
                    float[] actual = new float[3];
                    model.run(model.randomImages(), actual);
                    assertArrayEquals(logits, actual);
                  }
                }));
      }
      for (Future<?> end : ends) {
        end.get();
      }
      Set<Thread> now = workers();
      now.removeAll(before);
      now.removeIf(thread -> !thread.isAlive());
      assertTrue(now.size() <= 1, () -> "the caller and one thread, not " + now);
      models.getLast().close();
      models.getFirst().run(models.getFirst().randomImages(), new float[3]);
    }
    CompiledModel model = models.getFirst();
    float[] images = model.randomImages();
    SextantException closed =
        assertThrows(SextantException.class, () -> model.run(images, new float[3]));
    assertEquals("team: is closed", closed.getMessage());
    models.forEach(CompiledModel::close);
    assertThrows(SextantException.class, () -> new Team(0, Team.IDLE));
    assertThrows(SextantException.class, () -> new Team(1, Duration.ofMillis(-1)));
  }

  /** Processor time of the workers, in ns. */
  private static long used(Set<Thread> workers) {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    return workers.stream()
        .mapToLong(worker -> Math.max(0, threads.getThreadCpuTime(worker.threadId())))
        .sum();
  }

  @Test
  void anIdleTeamSleepsWithinItsTime() throws Exception {
    Set<Thread> others = workers();
    try (Team team = new Team(3, Duration.ofMillis(200));
        CompiledModel model = CompiledModel.compile(NETWORK, Weights.random(NETWORK, 1), team, 1)) {
      model.run(model.randomImages(), new float[3]);
      Set<Thread> workers = workers();
      workers.removeAll(others);
      assertEquals(2, workers.size());
      Thread.sleep(600);
      long asleep = used(workers);
      // Awake for their time, whoever else is at work here; not much longer, nor again.
      assertTrue(asleep < 2 * 600_000_000L, asleep + " ns");
      assertTrue(
          workers.stream().allMatch(thread -> thread.getState() == Thread.State.WAITING),
          () -> workers.stream().map(Thread::getState).toList().toString());
      Thread.sleep(300);
      assertEquals(asleep, used(workers));
      float[] logits = new float[3];
      model.run(model.randomImages(), logits);
      assertTrue(Arrays.stream(new double[] {logits[0]}).allMatch(Double::isFinite));
    }
  }
}
