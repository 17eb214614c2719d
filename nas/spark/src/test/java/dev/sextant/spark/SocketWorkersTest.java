package dev.sextant.spark;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class SocketWorkersTest {
  private static final byte[] SECRET = {1, 2, 3};

  private static SocketWorkers.Limits limits(int seconds) {
    Duration limit = Duration.ofSeconds(seconds);
    return new SocketWorkers.Limits(limit, limit, limit);
  }

  private interface Body {
    void run(SocketWorkers workers) throws Exception;
  }

  /** What each of so many workers threw, or null. */
  private static List<Throwable> run(int count, Body body) throws Exception {
    List<SocketWorkers.Door> doors = new ArrayList<>();
    List<String> addresses = new ArrayList<>();
    for (int rank = 0; rank < count; rank++) {
      doors.add(SocketWorkers.listen("127.0.0.1"));
      addresses.add(doors.get(rank).address());
    }
    // Somebody who only connects, and somebody who does not know the secret.
    try (Socket silent = new Socket("127.0.0.1", port(addresses.getFirst()));
        Socket other = new Socket("127.0.0.1", port(addresses.getFirst()));
        var threads = Executors.newCachedThreadPool()) {
      other.getOutputStream().write(new byte[68]);
      silent.shutdownOutput();
      List<Future<Object>> futures = new ArrayList<>();
      for (int rank = 0; rank < count; rank++) {
        int own = rank;
        Callable<Object> worker =
            () -> {
              try (SocketWorkers workers =
                  doors.get(own).connect(own, addresses, SECRET, limits(20))) {
                body.run(workers);
              }
              return "";
            };
        futures.add(threads.submit(worker));
      }
      List<Throwable> thrown = new ArrayList<>();
      for (Future<Object> future : futures) {
        try {
          future.get();
          thrown.add(null);
        } catch (ExecutionException e) {
          thrown.add(e.getCause());
        }
      }
      return thrown;
    } finally {
      for (SocketWorkers.Door door : doors) {
        door.close();
      }
    }
  }

  private static int port(String address) {
    return Integer.parseInt(address.substring(address.indexOf(':') + 1));
  }

  private static float[] values(int rank, int length) {
    Rng rng = Rng.of(5, rank);
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = (float) rng.nextGaussian();
    }
    return values;
  }

  @Test
  void sumsAreThoseOfOneProcessThatAddsTheRanksUp() throws Exception {
    for (int count : new int[] {2, 3, 4}) {
      for (Throwable thrown :
          run(
              count,
              workers -> {
                for (int length : new int[] {1, 2, 7, 100_003, 5, 0}) {
                  float[] expected = values(0, length);
                  for (int rank = 1; rank < count; rank++) {
                    float[] more = values(rank, length);
                    for (int i = 0; i < length; i++) {
                      expected[i] += more[i];
                    }
                  }
                  float[] own = values(workers.rank(), length);
                  workers.sum(own, length);
                  assertArrayEquals(expected, own, 0);
                  workers.meet();
                }
              })) {
        assertEquals(null, thrown);
      }
    }
  }

  @Test
  void aWorkerThatIsGoneIsKnownAtOnceAndOneThatGoesApartIsNamed() throws Exception {
    long began = System.nanoTime();
    List<Throwable> lost =
        run(
            3,
            workers -> {
              if (workers.rank() == 1) {
                return;
              }
              workers.sum(new float[10], 10);
            });
    assertInstanceOf(WorkerLostException.class, lost.get(0));
    assertInstanceOf(WorkerLostException.class, lost.get(2));
    assertTrue(System.nanoTime() - began < 10_000_000_000L);
    List<Throwable> apart =
        run(2, workers -> workers.sum(new float[30], workers.rank() == 0 ? 30 : 20));
    assertInstanceOf(SextantException.class, apart.get(0));
    assertTrue(apart.stream().anyMatch(e -> String.valueOf(e.getMessage()).contains("apart")));
  }

  @Test
  void nobodyComesInWithoutTheSecretAndNobodyWaitsForEver() throws IOException {
    try (SocketWorkers.Door one = SocketWorkers.listen("127.0.0.1");
        SocketWorkers.Door two = SocketWorkers.listen("127.0.0.1")) {
      List<String> addresses = List.of(one.address(), two.address());
      Thread other =
          Thread.ofPlatform()
              .start(
                  () ->
                      assertThrows(
                          WorkerLostException.class,
                          () -> two.connect(1, addresses, new byte[] {9}, limits(1))));
      WorkerLostException refused =
          assertThrows(
              WorkerLostException.class, () -> one.connect(0, addresses, SECRET, limits(1)));
      assertTrue(String.valueOf(refused.getMessage()).contains("cannot connect"));
      other.join();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
