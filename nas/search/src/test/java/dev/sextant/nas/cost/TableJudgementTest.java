package dev.sextant.nas.cost;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sextant.nas.cost.LatencyTable.Entry;
import dev.sextant.nas.cost.LatencyTable.Key;
import dev.sextant.runtime.layer.Conv;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Shape;
import java.util.LinkedHashMap;
import java.util.SequencedMap;
import org.junit.jupiter.api.Test;

/** Which latencies of a table cannot be true beside the others. */
class TableJudgementTest {
  private static Key conv(int kernel, int side, int in, int out) {
    return new Key(
        new Conv(kernel, 1, 1, out, true, Activation.RELU6), Shape.of(1, side, side, in));
  }

  private static int misfits(Key key, double ms, Key larger, double largerMs) {
    SequencedMap<Key, Entry> entries = new LinkedHashMap<>();
    entries.put(key, new Entry(ms, ms, 100));
    entries.put(larger, new Entry(largerMs, largerMs, 100));
    return TableJudgement.misfits(entries).size();
  }

  @Test
  void aSmallerKernelIsNotSeveralTimesAsDear() {
    assertEquals(1, misfits(conv(3, 16, 16, 16), 0.1, conv(5, 16, 16, 16), 0.02));
    assertEquals(0, misfits(conv(3, 16, 16, 16), 0.03, conv(5, 16, 16, 16), 0.02));
  }

  /** A product reaches far more multiply-adds a second than a window over an image's channels. */
  @Test
  void anImagesFirstLayerIsNotComparedWithProducts() {
    assertEquals(0, misfits(conv(3, 32, 3, 16), 0.0155, conv(1, 4, 112, 320), 0.0062));
  }
}
