package dev.sextant.nas.live;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** A headless Chromium with one page, spoken to by its DevTools protocol. */
final class Browser implements AutoCloseable {
  private static final List<String> NAMES =
      List.of("chromium", "chromium-browser", "google-chrome", "chrome");

  private static final Pattern PORT = Pattern.compile("ws://127\\.0\\.0\\.1:(\\d+)/");
  private static final int PATIENCE_SECONDS = 60;

  private final Process process;
  private final HttpClient client = HttpClient.newHttpClient();
  private final Map<Integer, CompletableFuture<JsonObject>> answers = new ConcurrentHashMap<>();
  private final AtomicInteger number = new AtomicInteger();
  private final WebSocket socket;

  /** Starts one; where this machine has none, the test is skipped and says so. */
  Browser(Path profile) throws Exception {
    String program =
        Stream.of(System.getenv("PATH").split(":"))
            .flatMap(folder -> NAMES.stream().map(name -> Path.of(folder, name)))
            .filter(Files::isExecutable)
            .map(Path::toString)
            .findFirst()
            .orElse("");
    assumeTrue(!program.isEmpty(), "no Chromium on this machine: the page is not looked at");
    process =
        new ProcessBuilder(
                program,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--remote-debugging-port=0",
                "--user-data-dir=" + profile,
                "about:blank")
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    int port = port();
    HttpResponse<String> pages =
        client.send(
            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/json")).build(),
            HttpResponse.BodyHandlers.ofString());
    String address =
        JsonParser.parseString(pages.body()).getAsJsonArray().asList().stream()
            .map(page -> page.getAsJsonObject())
            .filter(page -> page.get("type").getAsString().equals("page"))
            .map(page -> page.get("webSocketDebuggerUrl").getAsString())
            .findFirst()
            .orElseThrow();
    socket = client.newWebSocketBuilder().buildAsync(URI.create(address), new Listener()).join();
  }

  private int port() throws IOException {
    BufferedReader err =
        new BufferedReader(new InputStreamReader(process.getErrorStream(), StandardCharsets.UTF_8));
    for (String line = err.readLine(); line != null; line = err.readLine()) {
      Matcher matcher = PORT.matcher(line);
      if (matcher.find()) {
        Thread.ofVirtual().start(() -> err.lines().forEach(_ -> {}));
        return Integer.parseInt(matcher.group(1));
      }
    }
    throw new IOException("the browser did not start");
  }

  private final class Listener implements WebSocket.Listener {
    private final StringBuilder text = new StringBuilder();

    @Override
    public CompletionStage<?> onText(WebSocket from, CharSequence data, boolean last) {
      text.append(data);
      if (last) {
        JsonObject message = JsonParser.parseString(text.toString()).getAsJsonObject();
        text.setLength(0);
        if (message.has("id")) {
          answers.remove(message.get("id").getAsInt()).complete(message);
        }
      }
      from.request(1);
      return CompletableFuture.completedFuture(null);
    }
  }

  /** Calls a method of the protocol; parameters are JSON. */
  JsonObject call(String method, String parameters) throws Exception {
    int id = number.incrementAndGet();
    CompletableFuture<JsonObject> answer = new CompletableFuture<>();
    answers.put(id, answer);
    JsonObject message = new JsonObject();
    message.addProperty("id", id);
    message.addProperty("method", method);
    message.add("params", JsonParser.parseString(parameters));
    socket.sendText(message.toString(), true).join();
    return answer.get(PATIENCE_SECONDS, TimeUnit.SECONDS).getAsJsonObject("result");
  }

  void open(String address) throws Exception {
    JsonObject parameters = new JsonObject();
    parameters.addProperty("url", address);
    call("Page.navigate", parameters.toString());
  }

  /** What an expression of the page's language gives, as text. */
  String value(String expression) throws Exception {
    JsonObject parameters = new JsonObject();
    parameters.addProperty("expression", "String(" + expression + ")");
    parameters.addProperty("awaitPromise", true);
    JsonObject result = call("Runtime.evaluate", parameters.toString()).getAsJsonObject("result");
    return result.has("value") ? result.get("value").getAsString() : result.toString();
  }

  /** Waits until an expression is true. */
  void await(String expression) throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (!value(expression).equals("true")) {
      if (System.nanoTime() > end) {
        throw new AssertionError(
            expression
                + " does not become true; the page says: "
                + value("document.body.innerText.slice(0, 500)"));
      }
      Thread.sleep(100);
    }
  }

  /** Presses a key that has no letter. */
  void press(String key) throws Exception {
    String named =
        String.format("{\"type\": \"%%s\", \"key\": \"%s\", \"code\": \"%s\"}", key, key);
    call("Input.dispatchKeyEvent", String.format(named, "keyDown"));
    call("Input.dispatchKeyEvent", String.format(named, "keyUp"));
  }

  @Override
  public void close() {
    socket.abort();
    client.shutdownNow();
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly();
    try {
      process.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
