package dev.sextant.serve;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.service.ModelPool;
import dev.sextant.runtime.service.OverloadException;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * One model behind HTTP: the V2 inference protocol (JSON and binary tensors), health, and metrics
 * for Prometheus.
 *
 * <ul>
 *   <li>{@code GET /v2/health/live}, {@code /v2/health/ready}, {@code /v2/models/NAME/ready}
 *   <li>{@code GET /v2}, {@code /v2/models/NAME}: what there is
 *   <li>{@code POST /v2/models/NAME/infer}: logits, probabilities or the likeliest classes
 *   <li>{@code GET /metrics}
 * </ul>
 *
 * <p>The server is that of the JDK ({@code jdk.httpserver}), on virtual threads: it keeps
 * connections alive, ends slow ones, bounds headers and connections, and brings no dependency. Its
 * limits are properties of the JVM, which this class sets where they are not set: {@code
 * sun.net.httpserver.maxReqTime} and {@code maxRspTime} 30 s, {@code idleInterval} 30 s, {@code
 * jdk.httpserver.maxConnections} 1024, {@code nodelay}. There is no encryption and no
 * authentication: listen on the loopback interface, or behind a proxy that has both.
 */
public final class ModelServer implements AutoCloseable {
  private static final String JSON = "application/json";
  private static final String HEAD = "HEAD";
  private static final String BINARY = "application/octet-stream";
  private static final String HEADER_LENGTH = "Inference-Header-Content-Length";

  static {
    for (Map.Entry<String, String> property :
        Map.of(
                "sun.net.httpserver.nodelay", "true",
                "sun.net.httpserver.maxReqTime", "30",
                "sun.net.httpserver.maxRspTime", "30",
                "sun.net.httpserver.idleInterval", "30",
                "jdk.httpserver.maxConnections", "1024")
            .entrySet()) {
      if (System.getProperty(property.getKey()) == null) {
        System.setProperty(property.getKey(), property.getValue());
      }
    }
  }

  private final Architecture.Input image;
  private final String name;
  private final int classes;
  private final int batch;
  private final ServerLimits limits;
  private final RequestStatistics statistics = new RequestStatistics();
  private final ModelPool pool;
  private final Semaphore bodies;
  private final ExecutorService threads;
  private final HttpServer server;
  private volatile List<String> classNames;
  private volatile boolean stopping;

  private ModelServer(
      CompiledModel model,
      List<String> classNames,
      ServerLimits limits,
      InetSocketAddress address) {
    Architecture architecture = model.architecture();
    image = architecture.input();
    name = architecture.name();
    classes = architecture.classes();
    batch = model.batch();
    this.limits = limits;
    this.classNames = List.copyOf(classNames);
    try {
      server = HttpServer.create(address, 0);
    } catch (IOException | IllegalArgumentException e) {
      throw new SextantException("server: cannot listen on " + address + ": " + e.getMessage(), e);
    }
    pool = pool(model, classNames);
    bodies = new Semaphore(limits.requests());
    threads = Executors.newVirtualThreadPerTaskExecutor();
    server.setExecutor(threads);
    server.createContext("/", this::handle);
    server.start();
  }

  private ModelPool pool(CompiledModel model, List<String> names) {
    try {
      return new ModelPool(model, names, limits.pool(), statistics);
    } catch (RuntimeException | Error e) {
      server.stop(0);
      throw e;
    }
  }

  /**
   * Serves a model until it is closed.
   *
   * @param model stays the caller's, who may close it at once
   * @param classNames a name for each class, or none
   * @param limits of what it takes on
   * @param address where to listen; port 0 is any that is free
   * @return a server that the caller closes
   * @throws SextantException if it cannot listen there, or the names do not fit
   */
  public static ModelServer start(
      CompiledModel model,
      List<String> classNames,
      ServerLimits limits,
      InetSocketAddress address) {
    return new ModelServer(model, classNames, limits, address);
  }

  /** {@return where it listens} */
  public InetSocketAddress address() {
    return server.getAddress();
  }

  /** {@return what was asked so far} */
  public RequestStatistics statistics() {
    return statistics;
  }

  /**
   * Answers requests from now on with another model, without one that fails.
   *
   * @param model of the same images, classes and batch; stays the caller's, who may close it at
   *     once
   * @param names a name for each class, or none
   * @throws SextantException if it is for other images, classes or batches; the old one stays
   */
  public void replace(CompiledModel model, List<String> names) {
    Architecture architecture = model.architecture();
    if (!architecture.input().equals(image)
        || architecture.classes() != classes
        || model.batch() != batch) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "server: %s takes %s for %d classes, %d at a time, and what is served %s, %d and %d",
              architecture.name(),
              architecture.input(),
              architecture.classes(),
              model.batch(),
              image,
              classes,
              batch));
    }
    pool.replace(model, names);
    classNames = List.copyOf(names);
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      try {
        route(exchange);
      } catch (HttpFault fault) {
        refuse(exchange, fault.status(), String.valueOf(fault.getMessage()));
      } catch (OverloadException e) {
        exchange.getResponseHeaders().set("Retry-After", "1");
        refuse(exchange, 503, String.valueOf(e.getMessage()));
      } catch (SextantException e) {
        refuse(exchange, 400, String.valueOf(e.getMessage()));
      } catch (RuntimeException e) {
        System.getLogger("dev.sextant").log(System.Logger.Level.ERROR, "a request failed", e);
        refuse(exchange, 500, "a defect, of which the server's log tells");
      }
    }
  }

  private void route(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().getPath();
    String model = "/v2/models/" + name;
    if (path == null) {
      throw new HttpFault(404, "there is nothing here");
    }
    if (path.equals(model + "/infer")) {
      allow(exchange, "POST");
      infer(exchange);
      return;
    }
    switch (path) {
      case "/v2/health/live" -> json(exchange, flag("live", true));
      case "/v2/health/ready" -> ready(exchange);
      case "/v2", "/v2/" -> json(exchange, serverMetadata());
      case "/metrics" -> {
        allow(exchange, "GET");
        answer(exchange, 200, "text/plain; version=0.0.4; charset=utf-8", bytes(metrics()));
      }
      default -> {
        if (path.equals(model)) {
          json(exchange, modelMetadata());
        } else if (path.equals(model + "/ready")) {
          ready(exchange);
        } else {
          throw new HttpFault(404, "there is nothing here; the model is " + model);
        }
      }
    }
  }

  private static void allow(HttpExchange exchange, String method) {
    String asked = exchange.getRequestMethod();
    if (!asked.equals(method) && !(asked.equals(HEAD) && method.equals("GET"))) {
      exchange.getResponseHeaders().set("Allow", method);
      throw new HttpFault(405, "the method must be " + method);
    }
  }

  private void ready(HttpExchange exchange) throws IOException {
    if (stopping) {
      throw new HttpFault(503, "the server is stopping");
    }
    json(exchange, flag("ready", true));
  }

  private static JsonObject flag(String flag, boolean value) {
    JsonObject json = new JsonObject();
    json.addProperty(flag, value);
    return json;
  }

  private static JsonObject serverMetadata() {
    JsonObject json = new JsonObject();
    json.addProperty("name", "sextant");
    Package own = ModelServer.class.getPackage();
    String version = own.getImplementationVersion();
    json.addProperty("version", version == null ? "development" : version);
    JsonArray extensions = new JsonArray();
    extensions.add("binary_tensor_data");
    extensions.add("classification");
    json.add("extensions", extensions);
    return json;
  }

  /** Two inputs, of which a request has one. */
  private JsonObject modelMetadata() {
    JsonObject json = new JsonObject();
    json.addProperty("name", name);
    json.addProperty("platform", "sextant");
    json.addProperty("max_batch_size", batch);
    JsonArray inputs = new JsonArray();
    inputs.add(
        tensor(InferRequest.IMAGES, "FP32", -1, image.height(), image.width(), image.channels()));
    inputs.add(
        tensor(InferRequest.PIXELS, "UINT8", -1, image.height(), image.width(), image.channels()));
    json.add("inputs", inputs);
    JsonArray outputs = new JsonArray();
    outputs.add(tensor(InferRequest.LOGITS, "FP32", -1, classes));
    outputs.add(tensor(InferRequest.PROBABILITIES, "FP32", -1, classes));
    json.add("outputs", outputs);
    JsonArray labels = new JsonArray();
    classNames.forEach(labels::add);
    json.add("labels", labels);
    return json;
  }

  private static JsonObject tensor(String name, String datatype, int... shape) {
    JsonObject json = new JsonObject();
    json.addProperty("name", name);
    json.addProperty("datatype", datatype);
    JsonArray extents = new JsonArray();
    for (int extent : shape) {
      extents.add(extent);
    }
    json.add("shape", extents);
    return json;
  }

  private String metrics() {
    StringBuilder text = new StringBuilder(statistics.prometheus());
    RequestStatistics.head(text, "sextant_requests_waiting", "gauge", "Requests without a model.");
    RequestStatistics.line(
        text, "sextant_requests_waiting", name, "", Integer.toString(pool.waiting()));
    return text.toString();
  }

  private void infer(HttpExchange exchange) throws IOException {
    if (stopping) {
      throw new HttpFault(503, "the server is stopping");
    }
    if (!bodies.tryAcquire()) {
      throw new OverloadException(
          "server: " + limits.requests() + " requests are answered or wait already");
    }
    InferResponse response;
    try {
      byte[] body = body(exchange);
      InferRequest request =
          InferRequest.read(image, batch, body, jsonBytes(exchange, body.length));
      float[] logits = new float[request.images() * classes];
      MemorySegment answer = MemorySegment.ofArray(logits);
      List<String> names = classNames;
      if (request.isPixels()) {
        pool.runPixels(request.elements(), request.order(), answer);
      } else {
        pool.run(request.elements(), request.order(), answer);
      }
      response = InferResponse.of(name, request, logits, names);
    } finally {
      bodies.release();
    }
    boolean binary = response.json() < response.body().length;
    if (binary) {
      exchange.getResponseHeaders().set(HEADER_LENGTH, Integer.toString(response.json()));
    }
    answer(exchange, 200, binary ? BINARY : JSON, response.body());
  }

  /** Where the JSON ends. */
  private static int jsonBytes(HttpExchange exchange, int bodyBytes) {
    String length = exchange.getRequestHeaders().getFirst(HEADER_LENGTH);
    if (length == null) {
      return bodyBytes;
    }
    try {
      int bytes = Integer.parseInt(length.strip());
      if (bytes >= 0 && bytes <= bodyBytes) {
        return bytes;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw InferRequest.bad(
        HEADER_LENGTH
            + " is '"
            + length
            + "', must be from 0 to the "
            + bodyBytes
            + " of the body");
  }

  private byte[] body(HttpExchange exchange) throws IOException {
    @Nullable String length = exchange.getRequestHeaders().getFirst("Content-Length");
    int most = limits.bodyBytes();
    // The JDK's server has checked that it is a number.
    if (length != null && Long.parseLong(length.strip()) > most) {
      throw tooLarge(most);
    }
    InputStream in = exchange.getRequestBody();
    byte[] body = in.readNBytes(most + 1);
    if (body.length > most) {
      throw tooLarge(most);
    }
    return body;
  }

  private static HttpFault tooLarge(int most) {
    return new HttpFault(413, "the body has more than " + most + " bytes");
  }

  private static void json(HttpExchange exchange, JsonObject json) throws IOException {
    allow(exchange, "GET");
    answer(exchange, 200, JSON, bytes(json.toString()));
  }

  private static void refuse(HttpExchange exchange, int status, String message) throws IOException {
    JsonObject json = new JsonObject();
    json.addProperty("error", message);
    if (status == 413 || status == 503) {
      // What is left of the body is not read.
      exchange.getResponseHeaders().set("Connection", "close");
    }
    answer(exchange, status, JSON, bytes(json.toString()));
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static void answer(HttpExchange exchange, int status, String type, byte[] body)
      throws IOException {
    exchange.getResponseHeaders().set("Content-Type", type);
    if (exchange.getRequestMethod().equals(HEAD)) {
      exchange.sendResponseHeaders(status, -1);
      return;
    }
    exchange.sendResponseHeaders(status, body.length);
    exchange.getResponseBody().write(body);
  }

  /**
   * Is not ready from now on, refuses new requests, lets those under way end for as long as the
   * limits say, and then frees what it holds. Idempotent.
   */
  @Override
  public void close() {
    stopping = true;
    server.stop(Math.toIntExact(Math.min(3600, limits.grace().plusMillis(999).toSeconds())));
    threads.close();
    pool.close();
  }
}
