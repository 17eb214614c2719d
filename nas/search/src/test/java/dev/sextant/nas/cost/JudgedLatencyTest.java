package dev.sextant.nas.cost;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.cost.LatencyTable.Key;
import dev.sextant.nas.measure.OtherWork;
import dev.sextant.nas.space.Space;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Latency;
import dev.sextant.runtime.Latency.Percentile;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.tensor.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tables measured by a clock that goes wrong on purpose. */
class JudgedLatencyTest {
  private static final Space SPACE = Space.named("proxyless-small");

  @TempDir Path folder;

  /** A machine on which everything takes as long as it computes, but for what is disturbed. */
  private static class Machine implements LatencyProfiler.Timer {
    private final Map<Key, Integer> times = new HashMap<>();
    private int networks;

    /** What a layer's time is multiplied by the n-th time, from 1. */
    double disturbed(Layer layer, int time) {
      return 1;
    }

    double disturbedNetwork(int time) {
      return 1;
    }

    private static double ms(Layer layer, Shape input) {
      return 0.002 + 1e-7 * layer.macs(input);
    }

    @Override
    public Latency layer(Layer layer, Shape input) {
      int time = times.merge(new Key(layer, input), 1, Integer::sum);
      double ms = ms(layer, input) * disturbed(layer, time);
      return new Latency(ms, ms, ms, 100, 0);
    }

    @Override
    public Latency network(Architecture network, int batch) {
      List<Shape> shapes = network.shapes();
      double ms = 0.01;
      for (int i = 0; i < network.layers().size(); i++) {
        Layer layer = network.layers().get(i);
        ms += layer.isFree() ? 0 : ms(layer, shapes.get(i));
      }
      ms *= disturbedNetwork(++networks);
      return new Latency(ms, ms, ms, 100, 0);
    }
  }

  private static LatencyTable measure(Machine machine) {
    return measure(machine, Percentile.P50);
  }

  private static LatencyTable measure(Machine machine, Percentile percentile) {
    return new LatencyProfiler(
            machine,
            "cpu",
            1,
            percentile,
            (done, total) -> {
              assertTrue(done <= total);
            })
        .measure(SPACE, 1, 8, 0);
  }

  /** A machine whose networks now and then take half as long again, and 0.02 ms. */
  @Test
  void sumsOfLayersAreFittedToTheTailOfNetworks() {
    Machine machine =
        new Machine() {
          @Override
          public Latency network(Architecture network, int batch) {
            double ms = super.network(network, batch).medianMs();
            return new Latency(ms, 1.2 * ms, 1.5 * ms + 0.02, 100, 0);
          }
        };
    LatencyTable medians = measure(machine, Percentile.P50);
    LatencyTable tails = measure(machine, Percentile.P99);
    assertEquals(Percentile.P99, tails.setting().percentile());
    Architecture any = SPACE.derive(new int[medians.costs(SPACE).sum().options().length]);
    assertEquals(1.5 * medians.predict(any) + 0.02, tails.predict(any), 1e-9);
    assertEquals(medians.entries(), tails.entries());
  }

  @Test
  void aQuietMachineIsBelieved() {
    Machine machine = new Machine();
    LatencyTable table = measure(machine);
    assertEquals(List.of(), table.doubts());
    assertEquals(1, table.scale(), 1e-9);
    // Nothing was measured again.
    machine.times.forEach((key, times) -> assertEquals(3, times, key.toString()));
  }

  @Test
  void aDisturbedLayerIsMeasuredAgainUntilItAgreesWithItself() {
    LatencyTable table =
        measure(
            new Machine() {
              @Override
              double disturbed(Layer layer, int time) {
                return time <= 3 && layer.label().contains("5x5") ? 3 * time : 1;
              }
            });
    assertEquals(List.of(), table.doubts());
    assertEquals(1, table.scale(), 1e-9);
  }

  @Test
  void aLayerThatNeverAgreesIsNamed() {
    LatencyTable table =
        measure(
            new Machine() {
              @Override
              double disturbed(Layer layer, int time) {
                return layer.label().equals("mbconv 3x3 e3") ? 100 * Math.pow(0.6, time) : 1;
              }
            });
    assertTrue(
        table.doubts().stream()
            .anyMatch(
                doubt ->
                    doubt.matches("mbconv 3x3 e3 .*: .* ms and .* ms are its two shortest times")),
        table.doubts()::toString);
  }

  @Test
  void aLayerThatTakesLongerThanALargerOneIsNamed() {
    LatencyTable table =
        measure(
            new Machine() {
              @Override
              double disturbed(Layer layer, int time) {
                return layer.label().equals("mbconv 3x3 e3") ? 20 : 1;
              }
            });
    assertTrue(
        table.doubts().stream()
            .anyMatch(
                doubt -> doubt.matches("mbconv 3x3 e3 .*: .* ms, mbconv .*: .* ms, though it .*")),
        table.doubts()::toString);
    // No sentence for a layer that is as it should be.
    assertTrue(table.doubts().stream().noneMatch(doubt -> doubt.startsWith("mbconv 5x5 e6")));
  }

  @Test
  void networksFarFromTheirLayersAreMeasuredAgainAndSaid() {
    assertEquals(
        List.of(),
        measure(
                new Machine() {
                  @Override
                  double disturbedNetwork(int time) {
                    return time <= 24 ? 5 : 1;
                  }
                })
            .doubts());
    LatencyTable table =
        measure(
            new Machine() {
              @Override
              double disturbedNetwork(int time) {
                return 0.1;
              }
            });
    assertTrue(
        table.doubts().stream().anyMatch(doubt -> doubt.startsWith("scale 0.100: layers alone")),
        table.doubts()::toString);
  }

  @Test
  void theJudgementStandsInTheFile() {
    LatencyTable table = measure(new Machine()).withDoubts(List.of("one", "an \"other\", too"));
    for (String name : List.of("table.json", "table.csv")) {
      Path file = folder.resolve(name);
      LatencyFiles.write(table, file);
      assertEquals(table, LatencyFiles.read(file));
    }
  }

  @Test
  void tablesOfEarlierVersionsAreJudgedWhenTheyAreRead() throws IOException {
    String old =
        """
        #{"format":"sextant-latency/1","machine":"m","runtime":"%s","device":"cpu","threads":1,\
        "batch":1,"overhead_ms":0.01,"scale":%s}
        op,in_h,in_w,in_c,out_h,out_w,out_c,expand,kernel,stride,dilation,squeeze_excite,\
        activation,residual,ms,p90_ms,count
        mbconv,7,7,16,7,7,16,3,3,1,1,0.0,relu6,true,%s,2,2
        mbconv,7,7,16,7,7,16,6,5,1,1,0.0,relu6,true,0.2,2,4
        """;
    Path file = folder.resolve("old.csv");
    Files.writeString(file, old.formatted("sextant", "1.1", "0.1"));
    assertEquals(List.of(), LatencyFiles.read(file).doubts());
    Files.writeString(file, old.formatted("sextant", "0.011", "1.06"));
    List<String> doubts = LatencyFiles.read(file).doubts();
    assertEquals(2, doubts.size(), doubts::toString);
    assertTrue(
        doubts.getFirst().startsWith("mbconv 3x3 e3 7x7x16 -> 7x7x16: 1.060 ms, mbconv 5x5 e6"),
        doubts::toString);
    // What other programs measured on other machines is theirs to judge.
    Files.writeString(file, old.formatted("TFLite", "0.011", "1.06"));
    assertEquals(List.of(), LatencyFiles.read(file).doubts());
  }

  @Test
  void workOfOtherThreadsIsNamedToBoth() throws InterruptedException {
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    Thread thread =
        new Thread(
            () -> {
              try (OtherWork _ = OtherWork.during("another run")) {
                begun.countDown();
                end.await();
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            });
    thread.start();
    begun.await();
    try (OtherWork own = OtherWork.during("this one");
        OtherWork inner = OtherWork.during("a part of it")) {
      for (OtherWork work : List.of(own, inner)) {
        assertTrue(work.seen().contains("another run was at work in this process"), work::text);
        assertTrue(work.seen().stream().noneMatch(text -> text.startsWith("this one")));
      }
    }
    end.countDown();
    thread.join();
    try (OtherWork alone = OtherWork.during("this one")) {
      assertTrue(alone.seen().stream().noneMatch(text -> text.contains("another run")));
    }
  }
}
