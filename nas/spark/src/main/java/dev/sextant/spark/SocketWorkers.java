package dev.sextant.spark;

import dev.sextant.nas.workers.Workers;
import dev.sextant.tensor.SextantException;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * Workers in processes of their own, each connected to each other.
 *
 * <p>Each owns a slice of the values: it gets that slice from all others, adds it up from rank 0
 * on, and sends the sum back. So the bits are those of one process that adds the workers up in
 * their order, and each sends and receives twice what it has, however many there are.
 *
 * <p>A worker that is gone is known at once by its closed connection, one that says nothing by a
 * time limit. Who connects has to know the secret ({@link Handshake}); what follows is not
 * encrypted.
 */
final class SocketWorkers implements Workers, AutoCloseable {
  private static final byte MET = 0x4D;

  /** What stands before every slice: which sum it belongs to, and how many numbers it has. */
  private static final int HEAD = 2 * Integer.BYTES;

  /**
   * How long workers wait.
   *
   * @param connect for all others to be there
   * @param sum for another's part of a sum, which comes when it is as far in its step
   * @param meet for one that measures, evaluates or writes
   */
  record Limits(Duration connect, Duration sum, Duration meet) {
    /** A step takes minutes at most, measuring many networks some hours. */
    static final Limits DEFAULT =
        new Limits(Duration.ofMinutes(2), Duration.ofMinutes(10), Duration.ofHours(12));
  }

  private final int rank;
  private final @Nullable Socket[] sockets;
  private final DataInputStream[] in;
  private final DataOutputStream[] out;
  private final Limits limits;
  private final ExecutorService senders;
  private final Future<?>[] sent;
  private byte[] outgoing = {};
  private byte[] incoming = {};
  private byte[] summed = {};
  private float[] slice = {};
  private float[] part = {};
  private int sums;

  private SocketWorkers(int rank, @Nullable Socket[] sockets, Limits limits) throws IOException {
    this.rank = rank;
    this.sockets = sockets;
    this.limits = limits;
    in = new DataInputStream[sockets.length];
    out = new DataOutputStream[sockets.length];
    sent = new Future<?>[sockets.length];
    for (int peer = 0; peer < sockets.length; peer++) {
      Socket socket = sockets[peer];
      if (socket != null) {
        in[peer] = new DataInputStream(socket.getInputStream());
        out[peer] = new DataOutputStream(socket.getOutputStream());
      }
    }
    senders =
        Executors.newCachedThreadPool(
            task -> {
              Thread thread = new Thread(task, "sextant-sum");
              thread.setDaemon(true);
              return thread;
            });
  }

  /** Opens a port that the others are told of. */
  static Door listen(String host) throws IOException {
    return new Door(new ServerSocket(0, 128, InetAddress.getByName(host)), host);
  }

  /** Where others connect to one worker. */
  record Door(ServerSocket server, String host) implements AutoCloseable {
    /** As in {@code 10.0.0.7:40001}. */
    String address() {
      return host + ":" + server.getLocalPort();
    }

    /**
     * Connects to all others: to those of lower rank, while those of higher rank connect here.
     *
     * @throws WorkerLostException if one does not come in time
     */
    SocketWorkers connect(int rank, List<String> addresses, byte[] secret, Limits limits) {
      @Nullable Socket[] sockets = new @Nullable Socket[addresses.size()];
      long end = System.nanoTime() + limits.connect.toNanos();
      try {
        for (int peer = 0; peer < rank; peer++) {
          sockets[peer] = dial(addresses.get(peer), rank, peer, secret, end);
        }
        for (int missing = addresses.size() - 1 - rank; missing > 0; ) {
          server.setSoTimeout(left(end));
          Socket socket = server.accept();
          int peer = accept(socket, rank, sockets, secret, end);
          if (peer > 0) {
            sockets[peer] = socket;
            missing--;
          } else {
            // Whoever that was, the workers go on waiting for theirs.
            socket.close();
          }
        }
        return new SocketWorkers(rank, sockets, limits);
      } catch (IOException e) {
        closeAll(sockets);
        throw new WorkerLostException(
            String.format(
                Locale.ROOT, "workers: worker %d cannot connect to all others (%s)", rank, e),
            e);
      } catch (RuntimeException e) {
        closeAll(sockets);
        throw e;
      }
    }

    private static Socket dial(String address, int rank, int peer, byte[] secret, long end)
        throws IOException {
      int colon = address.lastIndexOf(':');
      Socket socket = new Socket();
      try {
        socket.connect(
            new InetSocketAddress(
                address.substring(0, colon), Integer.parseInt(address.substring(colon + 1))),
            left(end));
        socket.setTcpNoDelay(true);
        socket.setSoTimeout(left(end));
        if (!Handshake.dial(socket, secret, rank, peer)) {
          throw new IOException(address + " does not know the secret");
        }
        return socket;
      } catch (IOException e) {
        socket.close();
        throw e;
      }
    }

    /** The rank of who connects, or -1 if it is none of the workers that are still missing. */
    private static int accept(
        Socket socket, int rank, @Nullable Socket[] sockets, byte[] secret, long end) {
      try {
        socket.setTcpNoDelay(true);
        socket.setSoTimeout(Math.min(left(end), 10_000));
        int peer = Handshake.accept(socket, secret, rank);
        return peer > rank && peer < sockets.length && sockets[peer] == null ? peer : -1;
      } catch (IOException e) {
        return -1;
      }
    }

    private static int left(long end) throws IOException {
      long millis = (end - System.nanoTime()) / 1_000_000;
      if (millis <= 0) {
        throw new SocketTimeoutException("time is over");
      }
      return (int) Math.min(millis, Integer.MAX_VALUE);
    }

    @Override
    public void close() throws IOException {
      server.close();
    }
  }

  @Override
  public int rank() {
    return rank;
  }

  @Override
  public int count() {
    return sockets.length;
  }

  private int from(int slice, int length) {
    return (int) ((long) slice * length / count());
  }

  @Override
  public void sum(float[] values, int length) {
    sums++;
    int own = from(rank, length);
    int ownLength = from(rank + 1, length) - own;
    reserve(length, ownLength);
    try {
      for (int peer = 0; peer < count(); peer++) {
        if (peer != rank) {
          int from = from(peer, length);
          int bytes =
              encode(outgoing, place(from, peer), values, from, from(peer + 1, length) - from);
          send(peer, outgoing, place(from, peer), bytes);
        }
      }
      for (int peer = 0; peer < count(); peer++) {
        if (peer == rank) {
          add(peer, values, own, ownLength);
        } else {
          receive(peer, part, 0, ownLength);
          add(peer, part, 0, ownLength);
        }
      }
      awaitSent();
      int bytes = encode(summed, 0, slice, 0, ownLength);
      for (int peer = 0; peer < count(); peer++) {
        if (peer != rank) {
          send(peer, summed, 0, bytes);
        }
      }
      System.arraycopy(slice, 0, values, own, ownLength);
      for (int peer = 0; peer < count(); peer++) {
        if (peer != rank) {
          int from = from(peer, length);
          receive(peer, values, from, from(peer + 1, length) - from);
        }
      }
      awaitSent();
    } catch (IOException e) {
      throw lost(e);
    }
  }

  private void reserve(int length, int ownLength) {
    int all = HEAD * count() + Float.BYTES * length;
    if (outgoing.length < all) {
      outgoing = new byte[all];
      incoming = new byte[all];
      summed = new byte[all];
      slice = new float[length];
      part = new float[length];
    }
  }

  /** Where a slice's bytes begin among those of all. */
  private static int place(int from, int peer) {
    return HEAD * peer + Float.BYTES * from;
  }

  private void add(int peer, float[] values, int from, int length) {
    if (peer == 0) {
      System.arraycopy(values, from, slice, 0, length);
      return;
    }
    for (int i = 0; i < length; i++) {
      slice[i] += values[from + i];
    }
  }

  private int encode(byte[] bytes, int at, float[] values, int from, int length) {
    ByteBuffer buffer = ByteBuffer.wrap(bytes, at, HEAD + Float.BYTES * length);
    buffer.putInt(sums).putInt(length);
    buffer.asFloatBuffer().put(values, from, length);
    return HEAD + Float.BYTES * length;
  }

  /** On a thread of its own: all workers send before they receive. */
  private void send(int peer, byte[] bytes, int at, int length) {
    sent[peer] =
        senders.submit(
            () -> {
              out[peer].write(bytes, at, length);
              return null;
            });
  }

  private void awaitSent() throws IOException {
    for (int peer = 0; peer < count(); peer++) {
      if (peer != rank) {
        try {
          sent[peer].get();
        } catch (ExecutionException e) {
          throw new IOException(String.valueOf(e.getCause()), e);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw new IOException("interrupted", e);
        }
      }
    }
  }

  private void receive(int peer, float[] values, int from, int length) throws IOException {
    socket(peer).setSoTimeout((int) limits.sum.toMillis());
    in[peer].readFully(incoming, 0, HEAD);
    ByteBuffer head = ByteBuffer.wrap(incoming);
    int sum = head.getInt();
    int has = head.getInt();
    if (sum != sums || has != length) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "workers: went apart: worker %d is at sum %d of %d numbers, worker %d at %d of %d",
              peer,
              sum,
              has,
              rank,
              sums,
              length));
    }
    in[peer].readFully(incoming, 0, Float.BYTES * length);
    ByteBuffer.wrap(incoming).asFloatBuffer().get(values, from, length);
  }

  private Socket socket(int peer) {
    Socket socket = sockets[peer];
    if (socket == null) {
      throw new IllegalStateException("no connection to " + peer);
    }
    return socket;
  }

  @Override
  public void meet() {
    try {
      if (rank == 0) {
        for (int peer = 1; peer < count(); peer++) {
          expect(peer);
        }
        for (int peer = 1; peer < count(); peer++) {
          out[peer].writeByte(MET);
        }
      } else {
        out[0].writeByte(MET);
        expect(0);
      }
    } catch (IOException e) {
      throw lost(e);
    }
  }

  private void expect(int peer) throws IOException {
    socket(peer).setSoTimeout((int) limits.meet.toMillis());
    if (in[peer].readByte() != MET) {
      throw new SextantException(
          String.format(
              Locale.ROOT, "workers: went apart: worker %d is not where %d waits", peer, rank));
    }
  }

  private WorkerLostException lost(IOException e) {
    close();
    return new WorkerLostException(
        String.format(Locale.ROOT, "workers: worker %d has lost another (%s)", rank, e), e);
  }

  /** Closes all connections, by which the others know. Idempotent. */
  @Override
  public void close() {
    closeAll(sockets);
    senders.shutdownNow();
  }

  private static void closeAll(@Nullable Socket[] sockets) {
    for (Socket socket : sockets) {
      if (socket != null) {
        try {
          socket.close();
        } catch (IOException e) {
          // Gone already.
        }
      }
    }
  }
}
