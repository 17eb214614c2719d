package dev.example.service;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.Weights;
import dev.sextant.runtime.service.ModelPool;
import dev.sextant.runtime.service.OverloadException;
import dev.sextant.runtime.service.PoolLimits;
import dev.sextant.runtime.service.Prediction;
import dev.sextant.runtime.service.Predictor;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * {@code POST /classify} with a PNG or JPEG of any size, or raw pixels (unsigned bytes, rows,
 * channels last); the answer is the label's number.
 *
 * <p>A model serves one thread at a time: a pool lends an instance to each request, and where none
 * is free in time the answer is 503.
 */
public final class ClassifierService implements AutoCloseable {
  /** How long a request waits for a free model. */
  private static final Duration PATIENCE = Duration.ofMillis(200);

  private final Architecture.Input input;
  private final Predictor predictor;
  private final ExecutorService threads;
  private final HttpServer server;

  /**
   * Serves on the loopback interface.
   *
   * @param port where, or 0 for any that is free
   * @param threadCount requests at a time
   */
  public ClassifierService(CompiledModel model, int port, int threadCount) throws IOException {
    input = model.architecture().input();
    predictor = new ModelPool(model, List.of(), PoolLimits.of(threadCount, PATIENCE));
    threads = Executors.newFixedThreadPool(threadCount);
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
    server.setExecutor(threads);
    server.createContext("/classify", this::answer);
    server.start();
  }

  /** Where it listens. */
  public int port() {
    return server.getAddress().getPort();
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      int status = 200;
      String text;
      try (InputStream body = exchange.getRequestBody()) {
        int largest = ImageFiles.largestFile(input);
        byte[] posted = body.readNBytes(largest + 1);
        if (posted.length > largest) {
          throw new IllegalArgumentException("more than " + largest + " bytes");
        }
        String type = exchange.getRequestHeaders().getFirst("Content-Type");
        List<Prediction> likeliest =
            type != null && type.startsWith("image/")
                ? predictor.classify(ImageFiles.decode(new ByteArrayInputStream(posted)), 1)
                : classify(posted);
        text = Integer.toString(likeliest.getFirst().label());
      } catch (IllegalArgumentException e) {
        status = 400;
        text = e.getMessage();
      } catch (OverloadException e) {
        status = 503;
        text = e.getMessage();
      }
      byte[] answer = (text + "\n").getBytes(StandardCharsets.UTF_8);
      exchange.sendResponseHeaders(status, answer.length);
      exchange.getResponseBody().write(answer);
    }
  }

  private List<Prediction> classify(byte[] pixels) {
    int expected = input.height() * input.width() * input.channels();
    if (pixels.length != expected) {
      throw new IllegalArgumentException(pixels.length + " pixels, not " + expected);
    }
    MemorySegment image = MemorySegment.ofArray(pixels);
    return predictor.classify(image, CompiledModel.Order.CHANNELS_LAST, 1);
  }

  @Override
  public void close() {
    server.stop(1);
    threads.close();
    predictor.close();
  }

  /** {@code ClassifierService ARCHITECTURE WEIGHTS [PORT]}, as a search leaves them. */
  public static void main(String[] args) throws IOException, InterruptedException {
    Architecture architecture = Architecture.read(Path.of(args[0]));
    Weights weights = Weights.read(Path.of(args[1]));
    int port = args.length > 2 ? Integer.parseInt(args[2]) : 8080;
    int threadCount = Runtime.getRuntime().availableProcessors();
    try (CompiledModel model = CompiledModel.compile(architecture, weights);
        ClassifierService service = new ClassifierService(model, port, threadCount)) {
      System.out.println("http://localhost:" + service.port() + "/classify");
      Thread.currentThread().join();
    }
  }
}
