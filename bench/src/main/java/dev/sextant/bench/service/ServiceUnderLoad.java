package dev.sextant.bench.service;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.sextant.bench.onnx.OnnxSession;
import dev.sextant.bench.paths.HotPath;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Architectures;
import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.Weights;
import dev.sextant.runtime.service.ModelPool;
import dev.sextant.runtime.service.PoolLimits;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Executors;
import java.util.function.UnaryOperator;

/**
 * The service of {@code nas/examples/service}, {@code POST /classify} with raw pixels, on this
 * runtime or on ONNX Runtime: HTTP, threads and scaling of pixels are the same. Put under load from
 * another process, as by
 *
 * <pre>
 * wrk -t1 -c4 -d20s --latency -s bench/src/main/lua/classify.lua http://127.0.0.1:8080/classify
 * </pre>
 *
 * <p>with {@code PIXELS} set to the bytes of an image. Random weights: the time does not depend on
 * them.
 */
public final class ServiceUnderLoad {
  private ServiceUnderLoad() {}

  /**
   * Serves until it is stopped.
   *
   * @param args engine (sextant, onnxruntime), network (built-in name or file), port, instances
   * @throws IOException if it cannot listen, or the network cannot be read
   */
  public static void main(String[] args) throws IOException {
    if (args.length != 4) {
      System.err.println("needs ENGINE NETWORK PORT INSTANCES");
      System.exit(2);
    }
    Architecture architecture =
        Files.isRegularFile(Path.of(args[1]))
            ? Architecture.read(Path.of(args[1]))
            : Architectures.named(args[1]);
    Weights weights = Weights.random(architecture, 1);
    int instances = Integer.parseInt(args[3]);
    UnaryOperator<byte[]> engine =
        switch (args[0]) {
          case HotPath.SEXTANT -> sextant(architecture, weights, instances);
          case HotPath.ONNX_RUNTIME -> onnxRuntime(architecture, weights, instances);
          default -> throw new SextantException("engine: there is no " + args[0]);
        };
    System.setProperty("sun.net.httpserver.nodelay", "true");
    int port = Integer.parseInt(args[2]);
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    Architecture.Input image = architecture.input();
    int bytes = image.height() * image.width() * image.channels();
    server.createContext("/classify", exchange -> answer(exchange, bytes, engine));
    server.start();
    System.out.println(
        "http://127.0.0.1:" + server.getAddress().getPort() + "/classify, " + bytes + " bytes");
  }

  private static void answer(HttpExchange exchange, int bytes, UnaryOperator<byte[]> engine)
      throws IOException {
    try (exchange;
        InputStream body = exchange.getRequestBody()) {
      byte[] pixels = body.readNBytes(bytes + 1);
      byte[] answer = pixels.length == bytes ? engine.apply(pixels) : new byte[] {'?'};
      exchange.sendResponseHeaders(pixels.length == bytes ? 200 : 400, answer.length);
      exchange.getResponseBody().write(answer);
    }
  }

  private static UnaryOperator<byte[]> sextant(
      Architecture architecture, Weights weights, int instances) {
    PoolLimits limits = PoolLimits.of(instances, Duration.ofSeconds(10));
    ModelPool pool;
    try (CompiledModel model = CompiledModel.compile(architecture, weights)) {
      pool = new ModelPool(model, List.of(), limits);
    }
    return pixels ->
        text(
            pool.classify(MemorySegment.ofArray(pixels), CompiledModel.Order.CHANNELS_LAST, 1)
                .getFirst()
                .label());
  }

  private static UnaryOperator<byte[]> onnxRuntime(
      Architecture architecture, Weights weights, int instances) {
    BlockingQueue<OnnxSession> idle = new ArrayBlockingQueue<>(instances);
    for (int i = 0; i < instances; i++) {
      idle.add(new OnnxSession(architecture, weights, 1, 1));
    }
    int classes = architecture.classes();
    return pixels -> {
      float[] images = new float[pixels.length];
      for (int i = 0; i < images.length; i++) {
        images[i] = Byte.toUnsignedInt(pixels[i]) / 255f;
      }
      float[] planar = OnnxSession.planar(images, architecture.input());
      float[] logits = new float[classes];
      try {
        OnnxSession session = idle.take();
        try {
          session.run(planar, logits);
        } finally {
          idle.add(session);
        }
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
      int best = 0;
      for (int i = 1; i < classes; i++) {
        best = logits[i] > logits[best] ? i : best;
      }
      return text(best);
    };
  }

  private static byte[] text(int label) {
    return (label + "\n").getBytes(StandardCharsets.US_ASCII);
  }
}
