package dev.sextant.nas.follow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import com.sun.net.httpserver.HttpServer;
import dev.sextant.nas.method.PublishedMethod;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.search.SearchRun;
import dev.sextant.nas.search.TinyRun;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * One small run that both tools follow: TensorBoard's files are read back, MLflow is a stand-in.
 */
class FollowersTest {
  @TempDir private Path folder;
  private RunDirectory directory = new RunDirectory(Path.of(""));
  private final List<String> calls = Collections.synchronizedList(new ArrayList<>());
  private final List<JsonObject> batches = Collections.synchronizedList(new ArrayList<>());
  private final AtomicInteger failures = new AtomicInteger();
  private final List<String> messages = new ArrayList<>();
  private final Progress progress =
      new Progress() {
        @Override
        public void step(String stage, long done, long steps, String status, long peak) {}

        @Override
        public void message(String text) {
          messages.add(text);
        }
      };
  private HttpServer server = server();

  private static HttpServer server() {
    try {
      return HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @BeforeEach
  void serve() {
    directory = new RunDirectory(folder.resolve("run"));
    server.createContext(
        "/",
        exchange -> {
          try (exchange) {
            String body =
                new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            String call = exchange.getRequestMethod() + " " + exchange.getRequestURI().getPath();
            calls.add(call);
            int status = call.contains("get-by-name") ? 404 : 200;
            if (call.endsWith("log-batch")) {
              if (failures.getAndDecrement() > 0) {
                status = 500;
              } else {
                batches.add(JsonParser.parseString(body).getAsJsonObject());
              }
            }
            byte[] answer =
                """
                {"experiment_id": "7", "run": {"info": {"run_id": "r1",
                 "artifact_uri": "mlflow-artifacts:/7/r1/artifacts"}}}\
                """
                    .getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(status, answer.length);
            exchange.getResponseBody().write(answer);
          }
        });
    server.start();
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  private URI address() {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
  }

  private List<JsonObject> events() throws IOException {
    return Files.readAllLines(directory.events()).stream()
        .map(line -> JsonParser.parseString(line).getAsJsonObject())
        .toList();
  }

  private Path file() {
    return TensorBoard.folder(directory).resolve("events.out.tfevents.sextant");
  }

  /** The records of a file, each of which must be whole. */
  private static List<byte[]> records(Path file) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    List<byte[]> records = new ArrayList<>();
    while (bytes.hasRemaining()) {
      int size = RecordFile.size(bytes);
      assertTrue(size >= 0, "damaged at " + bytes.position());
      byte[] record = new byte[size];
      bytes.position(bytes.position() + 12).get(record).position(bytes.position() + 4);
      records.add(record);
    }
    return records;
  }

  /** What a field of a message holds: bytes, or numbers as their bits. */
  private static List<Object> field(byte[] message, int number) throws IOException {
    CodedInputStream in = CodedInputStream.newInstance(message);
    List<Object> values = new ArrayList<>();
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      Object value =
          switch (WireFormat.getTagWireType(tag)) {
            case WireFormat.WIRETYPE_VARINT -> in.readInt64();
            case WireFormat.WIRETYPE_FIXED64 -> in.readDouble();
            case WireFormat.WIRETYPE_FIXED32 -> in.readFloat();
            default -> in.readByteArray();
          };
      if (WireFormat.getTagFieldNumber(tag) == number) {
        values.add(value);
      }
    }
    return values;
  }

  /** The values of an event by their tags. */
  private static Map<String, byte[]> values(byte[] event) throws IOException {
    Map<String, byte[]> values = new TreeMap<>();
    for (Object summary : field(event, 5)) {
      for (Object value : field((byte[]) summary, 1)) {
        byte[] bytes = (byte[]) value;
        String tag = new String((byte[]) field(bytes, 1).getFirst(), StandardCharsets.UTF_8);
        values.put(tag, bytes);
      }
    }
    return values;
  }

  @Test
  void bothToolsHaveEveryEventOnce() throws Exception {
    RunDirectory.create(directory.path());
    var setup = TinyRun.setup(TinyRun.config(1, PublishedMethod.PROXYLESS_G.recipe()));
    failures.set(2);
    try (SearchRun run =
        SearchRun.start(directory, setup, TinyRun.model(setup), TinyRun.data(), 1e9, progress)) {
      run.follow(true, address());
      run.run();
    }
    List<JsonObject> events = events();
    tensorBoardHas(events);
    // MLflow failed twice, which was said once, and has everything all the same.
    assertEquals(1, messages.stream().filter(m -> m.contains("the run goes on")).count());
    List<JsonObject> metrics = batches.stream().filter(batch -> batch.has("metrics")).toList();
    assertEquals(events.size(), metrics.size());
    String first = metrics.getFirst().toString();
    assertTrue(first.contains("\"key\":\"search/validationAccuracy\""), first);
    assertTrue(Files.readString(Mlflow.file(directory)).contains("\"told\": " + events.size()));
    assertTrue(
        calls.contains(
            "PUT /api/2.0/mlflow-artifacts/artifacts/7/r1/artifacts/weights.safetensors"),
        calls.toString());
    assertEquals("POST /api/2.0/mlflow/runs/update", calls.getLast());

    goesOnWithoutDuplicates(events);
  }

  private void tensorBoardHas(List<JsonObject> events) throws IOException {
    List<byte[]> records = records(file());
    assertEquals(events.size() + 1, records.size());
    assertEquals(
        "brain.Event:2",
        new String((byte[]) field(records.getFirst(), 3).getFirst(), StandardCharsets.UTF_8));
    JsonObject second = events.get(1);
    assertEquals(second.get("epoch").getAsLong(), field(records.get(2), 2).getFirst());
    Map<String, byte[]> values = values(records.get(2));
    assertEquals(
        second.get("validationAccuracy").getAsFloat(),
        field(values.get("search/validationAccuracy"), 2).getFirst());
    byte[] histogram = (byte[]) field(values.get("probabilities/choice-000"), 5).getFirst();
    double options = second.getAsJsonArray("probabilities").get(0).getAsJsonArray().size();
    assertEquals(options, field(histogram, 3).getFirst());
    assertEquals(1, (double) field(histogram, 4).getFirst(), 1e-6);
    byte[] counts = (byte[]) field(histogram, 7).getFirst();
    double sum = 0;
    ByteBuffer buckets = ByteBuffer.wrap(counts).order(ByteOrder.LITTLE_ENDIAN);
    while (buckets.hasRemaining()) {
      sum += buckets.getDouble();
    }
    assertEquals(options, sum);
    assertTrue(values.containsKey("alphas/choice-002"), values.keySet().toString());
    List<String> pictures = new ArrayList<>();
    for (byte[] record : records.subList(1, records.size())) {
      values(record).keySet().stream()
          .filter(tag -> tag.startsWith("wrong/"))
          .forEach(pictures::add);
    }
    assertTrue(pictures.size() > 5, pictures.toString());
  }

  /** As after a kill: a record half written, and events behind the checkpoint. */
  private void goesOnWithoutDuplicates(List<JsonObject> events) throws IOException {
    byte[] whole = Files.readAllBytes(file());
    Files.write(file(), new byte[] {1, 2, 3}, StandardOpenOption.APPEND);
    List<JsonObject> kept = events.subList(0, 2);
    try (TensorBoard resumed = new TensorBoard(directory, kept)) {
      events.subList(2, events.size()).forEach(resumed::accept);
    }
    assertEquals(events.size() + 1, records(file()).size());
    // One that was not written before a power cut is made up for.
    Files.write(file(), Arrays.copyOf(whole, 60));
    try (TensorBoard resumed = new TensorBoard(directory, events)) {
      resumed.end();
    }
    assertEquals(events.size() + 1, records(file()).size());
    int told = batches.size();
    try (Mlflow resumed = new Mlflow(directory, null, events, progress)) {
      resumed.accept(events.getLast());
    }
    assertEquals(told + 1, batches.size());
  }

  @Test
  void whatIsNoServerIsRefusedAndOneThatIsGoneStopsNothing() throws IOException {
    Files.createDirectories(directory.path());
    assertEquals(
        "ftp://x: is no address of an MLflow server, such as http://127.0.0.1:5000",
        assertThrows(
                SextantException.class,
                () -> new Mlflow(directory, URI.create("ftp://x"), List.of(), progress))
            .getMessage());
    server.stop(0);
    JsonObject event =
        JsonParser.parseString("{\"event\": \"epoch\", \"epoch\": 1}").getAsJsonObject();
    try (Mlflow gone = new Mlflow(directory, address(), List.of(), progress)) {
      gone.accept(event);
      gone.accept(event);
      gone.end();
    }
    assertEquals(1, messages.size(), messages.toString());
    assertTrue(messages.getFirst().endsWith("; the run goes on"), messages.toString());
  }
}
