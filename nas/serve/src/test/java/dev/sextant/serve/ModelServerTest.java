package dev.sextant.serve;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.Weights;
import dev.sextant.runtime.service.PoolLimits;
import dev.sextant.runtime.service.RequestListener.Outcome;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ModelServerTest {
  private static final Architecture NETWORK =
      Architecture.parse(
          """
          {"format": "sextant-architecture/1", "name": "tiny", "classes": 3,
           "input": {"height": 4, "width": 5, "channels": 3},
           "layers": [{"op": "conv", "kernel": 3, "stride": 2, "out": 8, "norm": "batch"},
             {"op": "global-avg-pool"}, {"op": "linear", "out": 3}]}
          """,
          "tiny");

  private static final int IMAGE = 4 * 5 * 3;
  private static final String INFER = "/v2/models/tiny/infer";
  private static final List<String> NAMES = List.of("ant", "bee", "cat");

  private final HttpClient client = HttpClient.newHttpClient();
  private final CompiledModel model = model(1);
  private final ModelServer server = server(model, new PoolLimits(2, 8, Duration.ofSeconds(20)));

  private static CompiledModel model(long seed) {
    return CompiledModel.compile(NETWORK, Weights.random(NETWORK, seed), Device.CPU, 1, 2);
  }

  private static ModelServer server(CompiledModel model, PoolLimits pool) {
    return ModelServer.start(
        model,
        NAMES,
        new ServerLimits(pool, 20_000, Duration.ofSeconds(5)),
        new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
  }

  @AfterEach
  void close() {
    client.close();
    server.close();
    model.close();
  }

  private URI uri(String path) {
    return URI.create("http://127.0.0.1:" + server.address().getPort() + path);
  }

  private String get(String path, int status) throws Exception {
    HttpResponse<String> answer =
        client.send(HttpRequest.newBuilder(uri(path)).build(), BodyHandlers.ofString());
    assertEquals(status, answer.statusCode(), answer.body());
    return answer.body();
  }

  private HttpResponse<byte[]> post(byte[] body, String... headers) throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(uri(INFER)).POST(BodyPublishers.ofByteArray(body));
    if (headers.length > 0) {
      request.headers(headers);
    }
    return client.send(request.build(), BodyHandlers.ofByteArray());
  }

  private JsonObject infer(String json) throws Exception {
    HttpResponse<byte[]> answer = post(json.getBytes(StandardCharsets.UTF_8));
    String text = new String(answer.body(), StandardCharsets.UTF_8);
    assertEquals(200, answer.statusCode(), text);
    return JsonParser.parseString(text).getAsJsonObject();
  }

  private static byte[] pixels(int images) {
    Rng rng = new Rng(3);
    byte[] pixels = new byte[images * IMAGE];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) rng.nextInt(256);
    }
    return pixels;
  }

  private static String numbers(byte[] pixels, boolean floats) {
    StringBuilder text = new StringBuilder();
    for (byte pixel : pixels) {
      int level = Byte.toUnsignedInt(pixel);
      text.append(text.isEmpty() ? "" : ",");
      text.append(floats ? Float.toString((float) (level / 255.0)) : Integer.toString(level));
    }
    return text.toString();
  }

  private static String request(String name, String type, String shape, String data) {
    return "{\"id\": \"7\", \"inputs\": [{\"name\": \"%s\", \"datatype\": \"%s\", \"shape\": %s,"
            .formatted(name, type, shape)
        + " \"data\": ["
        + data
        + "]}]}";
  }

  private static float[] data(JsonObject answer, int output) {
    JsonArray data =
        answer.getAsJsonArray("outputs").get(output).getAsJsonObject().getAsJsonArray("data");
    float[] values = new float[data.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = data.get(i).getAsFloat();
    }
    return values;
  }

  private float[] logits(CompiledModel from, byte[] two) {
    float[] logits = new float[6];
    from.runPixels(two, logits);
    return logits;
  }

  @Test
  void healthMetadataAndMetricsAreThere() throws Exception {
    assertEquals("{\"live\":true}", get("/v2/health/live", 200));
    assertEquals("{\"ready\":true}", get("/v2/health/ready", 200));
    assertEquals("{\"ready\":true}", get("/v2/models/tiny/ready", 200));
    assertTrue(get("/v2", 200).contains("binary_tensor_data"));
    JsonObject metadata = JsonParser.parseString(get("/v2/models/tiny", 200)).getAsJsonObject();
    assertEquals(2, metadata.get("max_batch_size").getAsInt());
    assertEquals(
        "{\"name\":\"pixels\",\"datatype\":\"UINT8\",\"shape\":[-1,4,5,3]}",
        metadata.getAsJsonArray("inputs").get(1).toString());
    assertEquals("[\"ant\",\"bee\",\"cat\"]", metadata.get("labels").toString());
    infer(request("pixels", "UINT8", "[1,4,5,3]", numbers(pixels(1), false)));
    String metrics = get("/metrics", 200);
    assertTrue(
        metrics.contains("sextant_requests_total{model=\"tiny\",outcome=\"answered\"} 1\n"),
        metrics);
    assertTrue(metrics.contains("sextant_request_seconds_count{model=\"tiny\"} 1\n"), metrics);
    assertTrue(metrics.contains("le=\"+Inf\"} 1\n"), metrics);
    assertTrue(server.statistics().quantileMs("tiny", 0.99) > 0);
    get("/v2/models/other", 404);
    HttpRequest head = HttpRequest.newBuilder(uri("/v2/health/live")).HEAD().build();
    assertEquals(200, client.send(head, BodyHandlers.discarding()).statusCode());
    get(INFER, 405);
  }

  @Test
  void jsonOfEitherKindAndOrderGivesTheModelsLogits() throws Exception {
    byte[] two = pixels(2);
    float[] expected = logits(model, two);
    JsonObject answer = infer(request("pixels", "UINT8", "[2,4,5,3]", numbers(two, false)));
    assertEquals("7", answer.get("id").getAsString());
    assertEquals("tiny", answer.get("model_name").getAsString());
    assertArrayEquals(expected, data(answer, 0));
    assertArrayEquals(
        expected, data(infer(request("images", "FP32", "[2,4,5,3]", numbers(two, true))), 0));
    byte[] planes = new byte[two.length];
    for (int i = 0; i < two.length; i++) {
      planes[i / IMAGE * IMAGE + i % 3 * (IMAGE / 3) + i % IMAGE / 3] = two[i];
    }
    String nested = numbers(planes, true).replaceFirst(",", "],[");
    assertArrayEquals(
        expected, data(infer(request("images", "FP32", "[2,3,4,5]", "[" + nested + "]")), 0));
  }

  @Test
  void binaryTensorsProbabilitiesAndClassesAreAnswered() throws Exception {
    byte[] two = pixels(2);
    float[] expected = logits(model, two);
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    String json =
        """
        {"inputs": [{"name": "images", "datatype": "FP32", "shape": [2, 4, 5, 3],
          "parameters": {"binary_data_size": 480}}],
         "outputs": [{"name": "logits", "parameters": {"binary_data": true}},
          {"name": "probabilities", "parameters": {"classification": 2}}]}
        """;
    body.writeBytes(json.getBytes(StandardCharsets.UTF_8));
    ByteBuffer floats = ByteBuffer.allocate(480).order(ByteOrder.LITTLE_ENDIAN);
    for (byte pixel : two) {
      floats.putFloat((float) (Byte.toUnsignedInt(pixel) / 255.0));
    }
    body.writeBytes(floats.array());
    String header = "Inference-Header-Content-Length";
    HttpResponse<byte[]> answer = post(body.toByteArray(), header, Integer.toString(json.length()));
    assertEquals(200, answer.statusCode(), new String(answer.body(), StandardCharsets.UTF_8));
    int head = Integer.parseInt(answer.headers().firstValue(header).orElseThrow());
    float[] logits = new float[6];
    ByteBuffer.wrap(answer.body(), head, 24)
        .order(ByteOrder.LITTLE_ENDIAN)
        .asFloatBuffer()
        .get(logits);
    assertArrayEquals(expected, logits);
    String told = new String(answer.body(), 0, head, StandardCharsets.UTF_8);
    assertTrue(told.contains("\"shape\":[2,2],\"data\":[\"0."), told);
    assertTrue(told.contains(":ant\"") || told.contains(":bee\"") || told.contains(":cat\""), told);
    JsonObject probabilities =
        infer(
            request("pixels", "UINT8", "[2,4,5,3]", numbers(two, false))
                .replace("{\"id\"", "{\"outputs\":[{\"name\":\"probabilities\"}], \"id\""));
    float sum = 0;
    for (float probability : data(probabilities, 0)) {
      sum += probability;
    }
    assertEquals(2, sum, 1e-5);
  }

  @Test
  void whatIsWrongIsOneSentence() throws Exception {
    String good = request("pixels", "UINT8", "[1,4,5,3]", numbers(pixels(1), false));
    refused("no JSON as asked for", "{'inputs': []}");
    refused("the JSON ends too soon", good.substring(0, good.length() - 2));
    refused("no JSON as asked for: malformed at line 1 column", good + " 1");
    refused("the input is '' of ", "{}");
    refused("the input is 'pixels' of FP32", good.replace("UINT8", "FP32"));
    refused("of shape [1, 4, 5]", good.replace("[1,4,5,3]", "[1,4,5]"));
    refused("more than 4 extents", good.replace("[1,4,5,3]", "[1,4,5,3,1]"));
    refused("has 3 images", good.replace("[1,4", "[3,4"));
    refused("has -1 images", good.replace("[1,4", "[-1,4"));
    refused("60 elements", good.replace("[1,4", "[2,4"));
    refused(
        "more than the 120 elements", good.replace("data\": [", "data\": [" + "1,".repeat(200)));
    refused("a pixel is 0.5", good.replaceFirst("data\": \\[[0-9]+", "data\": [0.5"));
    refused("not a float", good.replaceFirst("data\": \\[[0-9]+", "data\": [1e99"));
    refused("no JSON", good.replaceFirst("data\": \\[[0-9]+", "data\": [\"x\""));
    refused("no JSON", "[".repeat(5000));
    refused(
        "no output 'labels'",
        good.replace("{\"id\"", "{\"outputs\":[{\"name\":\"labels\"}],\"id\""));
    refused("more than one input", good.replace("}]}", "}, {}]}"));
    refused("no JSON", "\u0000\u0001");
    HttpResponse<byte[]> length =
        post(good.getBytes(StandardCharsets.UTF_8), "Inference-Header-Content-Length", "99999");
    assertEquals(400, length.statusCode());
    assertEquals(413, post(new byte[20_001]).statusCode());
    // And it serves on.
    infer(good);
  }

  private void refused(String part, String body) throws Exception {
    HttpResponse<byte[]> answer = post(body.getBytes(StandardCharsets.UTF_8));
    String text = new String(answer.body(), StandardCharsets.UTF_8);
    assertEquals(400, answer.statusCode(), text);
    String error = JsonParser.parseString(text).getAsJsonObject().get("error").getAsString();
    assertTrue(error.contains(part), error);
    assertTrue(!error.contains("\n") && !error.contains("Exception"), error);
  }

  @Test
  void whatIsNoHttpHurtsNobody() throws Exception {
    String good = request("pixels", "UINT8", "[1,4,5,3]", numbers(pixels(1), false));
    raw("GARBAGE\r\n\r\n");
    raw("POST " + INFER + " HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n");
    raw("POST " + INFER + " HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n");
    raw("POST " + INFER + " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
    raw("GET /" + "a".repeat(500_000) + " HTTP/1.1\r\n\r\n");
    raw("GET / HTTP/1.1\r\n" + "X: y\r\n".repeat(500) + "\r\n");
    raw("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n");
    // An endless body in chunks is cut off at the limit.
    String chunk = "1000\r\n" + "x".repeat(4096) + "\r\n";
    String answer =
        raw(
            "POST "
                + INFER
                + " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                + chunk.repeat(10));
    assertTrue(answer.isEmpty() || answer.startsWith("HTTP/1.1 413"), answer);
    // Clients that hang up in the middle of a request.
    for (int i = 0; i < 20; i++) {
      try (Socket socket =
          new Socket(InetAddress.getLoopbackAddress(), server.address().getPort())) {
        socket
            .getOutputStream()
            .write(
                ("POST " + INFER + " HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\n{")
                    .getBytes(StandardCharsets.ISO_8859_1));
      }
    }
    infer(good);
  }

  /** What comes back until the server hangs up or a moment has passed. */
  private String raw(String request) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.address().getPort())) {
      socket.setSoTimeout(300);
      ByteArrayOutputStream answer = new ByteArrayOutputStream();
      try {
        socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
        InputStream in = socket.getInputStream();
        for (int next = in.read(); next >= 0; next = in.read()) {
          answer.write(next);
        }
      } catch (IOException e) {
        // Cut off, or nothing more within the time.
      }
      return answer.toString(StandardCharsets.ISO_8859_1);
    }
  }

  @Test
  void aModelIsReplacedUnderLoadWithoutAFailedRequest() throws Exception {
    byte[] two = pixels(2);
    String json = request("pixels", "UINT8", "[2,4,5,3]", numbers(two, false));
    AtomicBoolean stop = new AtomicBoolean();
    try (CompiledModel other = model(2);
        ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
      List<float[]> expected = List.of(logits(model, two), logits(other, two));
      List<Future<Integer>> answers = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        answers.add(
            clients.submit(
                () -> {
                  int count = 0;
                  while (!stop.get() || count == 0) {
                    float[] logits = data(infer(json), 0);
                    assertTrue(expected.stream().anyMatch(each -> Arrays.equals(each, logits)));
                    count++;
                  }
                  return count;
                }));
      }
      for (int i = 0; i < 6; i++) {
        server.replace(i % 2 == 0 ? other : model, NAMES);
      }
      stop.set(true);
      int total = 0;
      for (Future<Integer> count : answers) {
        total += count.get();
      }
      assertEquals(total, server.statistics().count("tiny", Outcome.ANSWERED));
      assertEquals(0, server.statistics().count("tiny", Outcome.FAILED));
      assertArrayEquals(expected.getFirst(), data(infer(json), 0));
      System.out.println("server: " + total + " requests while the model was replaced 6 times");
    }
    Architecture wider =
        Architecture.parse(NETWORK.toJson().replace("\"width\": 5", "\"width\": 6"), "wider");
    try (CompiledModel misfit = CompiledModel.compile(wider, Weights.random(wider, 1))) {
      assertThrows(SextantException.class, () -> server.replace(misfit, NAMES));
    }
  }

  @Test
  void tooManyAreRefusedAtOnceAndThoseUnderWayEndWhenItStops() throws Exception {
    String json = request("pixels", "UINT8", "[1,4,5,3]", numbers(pixels(1), false));
    byte[] body = json.getBytes(StandardCharsets.UTF_8);
    ModelServer small = server(model, new PoolLimits(1, 0, Duration.ZERO));
    int port = small.address().getPort();
    String head =
        "POST " + INFER + " HTTP/1.1\r\nHost: a\r\nContent-Length: " + body.length + "\r\n\r\n";
    try (Socket slow = new Socket(InetAddress.getLoopbackAddress(), port)) {
      slow.setSoTimeout(10_000);
      slow.getOutputStream().write(head.getBytes(StandardCharsets.ISO_8859_1));
      HttpRequest next =
          HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + INFER))
              .POST(BodyPublishers.ofByteArray(body))
              .build();
      int status = 200;
      for (int i = 0; i < 200 && status == 200; i++) {
        // The slow one is known to the server soon.
        HttpResponse<String> answer = client.send(next, BodyHandlers.ofString());
        status = answer.statusCode();
        if (status == 503) {
          assertEquals("1", answer.headers().firstValue("Retry-After").orElse(""));
        }
      }
      assertEquals(503, status);
      Thread stopping = Thread.ofVirtual().start(small::close);
      Thread.sleep(100);
      slow.getOutputStream().write(body);
      byte[] answer = new byte[12];
      assertEquals(12, slow.getInputStream().readNBytes(answer, 0, 12));
      assertEquals("HTTP/1.1 200", new String(answer, StandardCharsets.ISO_8859_1));
      stopping.join();
    }
    small.close();
    assertThrows(
        IOException.class, () -> new Socket(InetAddress.getLoopbackAddress(), port).close());
    assertThrows(
        SextantException.class,
        () ->
            ModelServer.start(
                model,
                NAMES,
                new ServerLimits(PoolLimits.of(1, Duration.ZERO), 1, Duration.ZERO),
                server.address()));
  }
}
