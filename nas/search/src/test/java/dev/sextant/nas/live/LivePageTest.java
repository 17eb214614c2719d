package dev.sextant.nas.live;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.method.PublishedMethod;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.Owner;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.nas.search.SearchRun;
import dev.sextant.nas.search.TinyRun;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The page of a directory with one small run, which a test can hold between two steps. */
class LivePageTest {
  @TempDir private Path folder;
  private RunDirectory directory = new RunDirectory(Path.of(""));
  private final CountDownLatch stopped = new CountDownLatch(1);
  private LivePage page = LivePage.serve(Path.of(""), 0, () -> {});
  private final HttpClient client = HttpClient.newHttpClient();

  @BeforeEach
  void serve() {
    page.close();
    directory = new RunDirectory(folder.resolve("runs/<b>one"));
    page = LivePage.serve(directory.path(), 0, stopped::countDown);
  }

  @AfterEach
  void close() {
    page.close();
    client.shutdownNow();
  }

  private SearchRun begun(Progress progress) {
    RunDirectory.create(directory.path());
    var setup = TinyRun.setup(TinyRun.config(1, PublishedMethod.PROXYLESS_G.recipe()));
    return SearchRun.start(directory, setup, TinyRun.model(setup), TinyRun.data(), 1e9, progress);
  }

  private HttpResponse<String> get(String address, String... headers) throws Exception {
    HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(address));
    if (headers.length > 0) {
      request.headers(headers);
    }
    return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private String at(String place) {
    return page.address().replace("/?", "/" + place + "?");
  }

  @Test
  void onlyTheAddressWithItsTokenIsAnswered() throws Exception {
    try (SearchRun _ = begun(Progress.NONE)) {
      assertEquals(403, get(page.address().replaceFirst("\\?.*", "")).statusCode());
      assertEquals(403, get(page.address() + "x").statusCode());
      assertEquals(403, get(page.address(), "Origin", "http://elsewhere.test").statusCode());
      assertEquals(403, get(page.address(), "Sec-Fetch-Site", "cross-site").statusCode());
      assertEquals(404, get(at("other")).statusCode());
      assertEquals(404, get(at("stop")).statusCode());
      HttpResponse<String> whole = get(page.address());
      assertEquals(200, whole.statusCode());
      String policy = whole.headers().firstValue("Content-Security-Policy").orElseThrow();
      assertTrue(policy.startsWith("default-src 'none'"), policy);
      assertTrue(policy.contains("script-src 'nonce-"), policy);
      assertTrue(policy.contains("frame-ancestors 'none'"), policy);
      assertEquals(
          List.of("http://www.w3.org/1999/xhtml", "http://www.w3.org/2000/svg"),
          Pattern.compile("https?://[^\"]*")
              .matcher(whole.body())
              .results()
              .map(MatchResult::group)
              .toList());
    }
  }

  /** As a page of another name would ask that was made to lead here. */
  @Test
  void anotherHostIsRefused() throws Exception {
    URI address = URI.create(page.address());
    try (Socket socket = new Socket(address.getHost(), address.getPort())) {
      socket
          .getOutputStream()
          .write(
              ("GET /?" + address.getQuery() + " HTTP/1.1\r\nHost: rebound.test\r\n\r\n")
                  .getBytes(StandardCharsets.UTF_8));
      byte[] start = socket.getInputStream().readNBytes(12);
      assertEquals("HTTP/1.1 403", new String(start, StandardCharsets.UTF_8));
    }
  }

  @Test
  void eventsTellReportAndState() throws Exception {
    try (SearchRun run = begun(Progress.both(Progress.NONE, page.progress()))) {
      run.run();
      String events = firstEvents(at("events"), 2);
      assertTrue(events.startsWith("event: report\ndata: {\"html\":\"\\n<main"), events);
      assertTrue(events.contains("event: state\ndata: {\"state\":\"ended\""), events);
    }
    try (LivePage table = LivePage.serve(folder.resolve("runs"), 0, () -> {})) {
      String events = firstEvents(table.address().replace("/?", "/events?"), 2);
      assertTrue(events.contains("\"name\":\"<b>one\""), events);
      assertTrue(events.contains("\"testAccuracy\":"), events);
      HttpResponse<String> over =
          get(table.address().replace("/?", "/overlay?") + "&run=%3Cb%3Eone&run=%3Cb%3Eone");
      assertEquals(200, over.statusCode(), over.body());
      assertTrue(over.body().contains("Validation loss"), over.body());
      assertTrue(over.body().contains("&lt;b&gt;one"), over.body());
      HttpResponse<String> none =
          get(table.address().replace("/?", "/overlay?") + "&run=..%2Fother");
      assertEquals(422, none.statusCode());
      assertTrue(none.body().contains("no run is called '../other'"), none.body());
    }
  }

  private String firstEvents(String address, int count) throws Exception {
    HttpResponse<InputStream> response =
        client.send(
            HttpRequest.newBuilder(URI.create(address)).build(),
            HttpResponse.BodyHandlers.ofInputStream());
    StringBuilder text = new StringBuilder();
    try (BufferedReader in =
        new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8))) {
      for (int events = 0; events < count; ) {
        String line = in.readLine();
        if (line == null) {
          throw new IOException("the stream ended: " + text);
        }
        events += line.isEmpty() ? 1 : 0;
        text.append(line).append('\n');
      }
    }
    return text.toString();
  }

  @Test
  void stoppingIsForTheProcessThatHoldsTheRun() throws Exception {
    HttpRequest stop =
        HttpRequest.newBuilder(URI.create(at("stop")))
            .POST(HttpRequest.BodyPublishers.noBody())
            .build();
    try (SearchRun _ = begun(Progress.NONE)) {
      assertEquals(ProcessHandle.current().pid(), Owner.process(directory.path()).pid());
      String said = client.send(stop, HttpResponse.BodyHandlers.ofString()).body();
      assertTrue(said.startsWith("stopped; sextant resume"), said);
      assertTrue(stopped.await(10, TimeUnit.SECONDS));
    }
    String said = client.send(stop, HttpResponse.BodyHandlers.ofString()).body();
    assertTrue(said.contains("no process of this machine runs it"), said);
    // Another process, as its owner.json would say: younger than its claim it is another.
    Process other = new ProcessBuilder("sleep", "60").start();
    try {
      Path owner = directory.path().resolve("owner.json");
      String held =
          Files.readString(owner)
              .replace("released", "held")
              .replaceFirst("\"process\": \\d+", "\"process\": " + other.pid())
              .replaceFirst("\"since\": \"[^\"]*\"", "\"since\": \"2020-01-01T00:00:00Z\"");
      Files.writeString(owner, held);
      assertEquals(null, Owner.process(directory.path()));
      Files.writeString(
          owner, held.replaceFirst("\"since\": \"[^\"]*\"", "\"since\": \"2999-01-01T00:00:00Z\""));
      said = client.send(stop, HttpResponse.BodyHandlers.ofString()).body();
      assertTrue(said.startsWith("stopped"), said);
      assertTrue(other.waitFor(10, TimeUnit.SECONDS));
    } finally {
      other.destroyForcibly();
    }
  }

  /** What a person does, in a real browser. */
  @Test
  void aBrowserShowsARunGrowAndStopsIt() throws Exception {
    try (Browser browser = new Browser(folder.resolve("profile"))) {
      CountDownLatch look = new CountDownLatch(1);
      CountDownLatch goOn = new CountDownLatch(1);
      Progress held =
          new Progress() {
            @Override
            public void step(String stage, long done, long steps, String status, long peak) {
              if (stage.equals("retrain") && done == 2) {
                look.countDown();
                try {
                  goOn.await(60, TimeUnit.SECONDS);
                } catch (InterruptedException e) {
                  Thread.currentThread().interrupt();
                }
              }
            }

            @Override
            public void message(String text) {}
          };
      Thread runner =
          Thread.ofPlatform()
              .start(
                  () -> {
                    try (SearchRun run = begun(Progress.both(page.progress(), held))) {
                      run.run();
                    }
                  });
      assertTrue(look.await(60, TimeUnit.SECONDS));
      browser.open(page.address());
      browser.await("document.querySelectorAll('#report h2').length > 2");
      browser.await("document.getElementById('stage').textContent.includes('retrain 2 of')");
      assertEquals("false", browser.value("document.getElementById('stop').hidden"));
      assertEquals(
          "0",
          browser.value(
              "[...document.querySelectorAll('button,a,svg[role],input,progress')].filter(e =>"
                  + " !(e.textContent.trim() || e.getAttribute('aria-label'))).length"));

      // Stopping asks first, and is what the page's address allows alone.
      browser.value("window.confirm = () => false");
      browser.value("document.getElementById('stop').click()");
      assertEquals(1, stopped.getCount());
      browser.value("window.confirm = () => true");
      browser.value("document.getElementById('stop').click()");
      assertTrue(stopped.await(20, TimeUnit.SECONDS));

      // Meanwhile the run goes on, and its page grows.
      goOn.countDown();
      runner.join();
      browser.await("document.getElementById('stage').textContent === 'ended'");
      browser.await("document.querySelectorAll('#evaluation table.confusion td.right').length > 9");

      // The keyboard leads to a point's numbers, and on to its network.
      browser.value("document.querySelector('a.point').focus()");
      assertEquals(
          "visible",
          browser.value("getComputedStyle(document.querySelector('a.point .value')).visibility"));
      browser.value(
          "document.querySelector('a.point').dispatchEvent("
              + "new MouseEvent('click', {bubbles: true, cancelable: true, view: window}))");
      browser.await("getComputedStyle(document.getElementById('network-0')).display === 'block'");

      // On a phone nothing is wider than the page, in the dark neither.
      browser.call(
          "Emulation.setDeviceMetricsOverride",
          "{\"width\": 390, \"height\": 800, \"deviceScaleFactor\": 1, \"mobile\": true}");
      browser.await("document.documentElement.scrollWidth <= 390");
      for (String scheme : List.of("light", "dark")) {
        browser.call(
            "Emulation.setEmulatedMedia",
            "{\"features\": [{\"name\": \"prefers-color-scheme\", \"value\": \""
                + scheme
                + "\"}]}");
        assertEquals(
            scheme.equals("dark") ? "rgb(20, 24, 29)" : "rgb(255, 255, 255)",
            browser.value("getComputedStyle(document.body).backgroundColor"));
      }
    }
  }
}
