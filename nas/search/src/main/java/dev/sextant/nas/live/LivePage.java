package dev.sextant.nas.live;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.report.Report;
import dev.sextant.nas.report.RunsOverlay;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * One page on loopback about a run, or about the runs in a directory, that follows what they do by
 * server-sent events: those of this process by their progress, those of other processes by the
 * files they leave, ended ones as they are.
 *
 * <p>Whoever knows the address, with its token, may look and stop runs. Requests without the token,
 * for another host than the loopback's, or from a page of another origin are refused.
 *
 * <p>Safe to use from any thread.
 */
public final class LivePage implements AutoCloseable {
  /** Open at once: each holds a thread and draws reports. */
  private static final int MOST_STREAMS = 32;

  private static final long TICK_MILLIS = 1000;
  private static final int TOKEN_BYTES = 24;

  private final Path path;
  private final Runnable stopHere;
  private final HttpServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final String token;
  private final Semaphore streams = new Semaphore(MOST_STREAMS);
  private final OwnProgress own = new OwnProgress();
  private volatile boolean closed;

  private LivePage(Path path, Runnable stopHere, HttpServer server) {
    this.path = path;
    this.stopHere = stopHere;
    this.server = server;
    byte[] random = new byte[TOKEN_BYTES];
    new SecureRandom().nextBytes(random);
    token = Base64.getUrlEncoder().withoutPadding().encodeToString(random);
  }

  /**
   * Serves a page from now on.
   *
   * @param path of a run, or of a directory with runs in it
   * @param port to listen at, or 0 for any that is free
   * @param stopHere ends the run of this process, as Ctrl-C does
   * @return the page, to be closed
   * @throws SextantException if the port cannot be had
   */
  public static LivePage serve(Path path, int port, Runnable stopHere) {
    HttpServer server;
    try {
      server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
    } catch (IOException e) {
      throw new SextantException(
          String.format(Locale.ROOT, "port %d: cannot be had (%s)", port, e.getMessage()), e);
    }
    LivePage page = new LivePage(path, stopHere, server);
    server.createContext("/", page::handle);
    server.setExecutor(page.threads);
    server.start();
    return page;
  }

  /** {@return its address, with the token} */
  public String address() {
    return "http://" + host() + "/?token=" + token;
  }

  private String host() {
    return "127.0.0.1:" + server.getAddress().getPort();
  }

  /** {@return who is to be told how far the run of this process is} */
  public Progress progress() {
    return own;
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      exchange.getResponseHeaders().set("Cache-Control", "no-store");
      exchange.getResponseHeaders().set("X-Content-Type-Options", "nosniff");
      exchange.getResponseHeaders().set("Referrer-Policy", "no-referrer");
      Map<String, String> query = query(exchange.getRequestURI().getRawQuery());
      if (!isOurs(exchange) || !isToken(query.get("token"))) {
        send(exchange, 403, "text/plain", "refused: the address has a token, which this lacks\n");
        return;
      }
      try {
        answer(exchange, query);
      } catch (SextantException e) {
        send(exchange, 422, "text/plain", e.getMessage() + "\n");
      }
    }
  }

  private void answer(HttpExchange exchange, Map<String, String> query) throws IOException {
    switch (exchange.getRequestMethod() + " " + exchange.getRequestURI().getPath()) {
      case "GET /" -> page(exchange, query);
      case "GET /events" -> stream(exchange, query);
      case "GET /overlay" -> overlay(exchange, exchange.getRequestURI().getRawQuery());
      case "POST /stop" -> stop(exchange, query);
      default -> send(exchange, 404, "text/plain", "nothing is here\n");
    }
  }

  /** Whether a request is for the loopback by its name, and from no page of another origin. */
  private boolean isOurs(HttpExchange exchange) {
    int port = server.getAddress().getPort();
    List<String> hosts = List.of("127.0.0.1:" + port, "localhost:" + port, "[::1]:" + port);
    String host = exchange.getRequestHeaders().getFirst("Host");
    String origin = exchange.getRequestHeaders().getFirst("Origin");
    String site = exchange.getRequestHeaders().getFirst("Sec-Fetch-Site");
    return host != null
        && hosts.contains(host)
        && (origin == null || origin.equals("http://" + host))
        && (site == null || site.equals("same-origin") || site.equals("none"));
  }

  private boolean isToken(@Nullable String given) {
    return given != null
        && MessageDigest.isEqual(
            given.getBytes(StandardCharsets.UTF_8), token.getBytes(StandardCharsets.UTF_8));
  }

  private static Map<String, String> query(@Nullable String raw) {
    Map<String, String> query = new HashMap<>();
    if (raw != null) {
      for (String pair : raw.split("&")) {
        String[] parts = pair.split("=", 2);
        query.put(decoded(parts[0]), parts.length == 2 ? decoded(parts[1]) : "");
      }
    }
    return query;
  }

  private static String decoded(String text) {
    try {
      return URLDecoder.decode(text, StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      return "";
    }
  }

  private void page(HttpExchange exchange, Map<String, String> query) throws IOException {
    WatchedRuns runs = new WatchedRuns(path);
    String name = query.getOrDefault("run", "");
    boolean table = runs.isTable() && name.isEmpty();
    String nonce = Base64.getEncoder().encodeToString(new SecureRandom().generateSeed(16));
    String title = table ? String.valueOf(path) : Report.title(runs.run(name));
    exchange
        .getResponseHeaders()
        .set(
            "Content-Security-Policy",
            "default-src 'none'; style-src 'unsafe-inline'; connect-src 'self';"
                + " img-src data: blob:; base-uri 'none'; form-action 'none';"
                + " frame-ancestors 'none'; script-src 'nonce-"
                + nonce
                + "'");
    send(
        exchange, 200, "text/html", WatchPage.of(title, token, name, table, runs.isTable(), nonce));
  }

  /** Until the reader goes away. */
  private void stream(HttpExchange exchange, Map<String, String> query) throws IOException {
    if (!streams.tryAcquire()) {
      send(exchange, 503, "text/plain", "too many pages are open\n");
      return;
    }
    try {
      WatchedRuns runs = new WatchedRuns(path);
      String name = query.getOrDefault("run", "");
      exchange.getResponseHeaders().set("Content-Type", "text/event-stream; charset=utf-8");
      exchange.sendResponseHeaders(200, 0);
      OutputStream out = exchange.getResponseBody();
      EventSource source =
          runs.isTable() && name.isEmpty()
              ? new TableSource(runs)
              : new RunSource(runs.run(name), own);
      while (!closed) {
        for (String event : source.next()) {
          out.write(event.getBytes(StandardCharsets.UTF_8));
        }
        out.flush();
        Thread.sleep(TICK_MILLIS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IOException e) {
      // The reader has gone.
    } finally {
      streams.release();
    }
  }

  private void overlay(HttpExchange exchange, String raw) throws IOException {
    WatchedRuns runs = new WatchedRuns(path);
    List<RunDirectory> chosen =
        Arrays.stream(raw.split("&"))
            .filter(pair -> pair.startsWith("run="))
            .map(pair -> runs.run(decoded(pair.substring("run=".length()))))
            .toList();
    send(exchange, 200, "text/html", RunsOverlay.of(chosen));
  }

  private void stop(HttpExchange exchange, Map<String, String> query) throws IOException {
    RunDirectory run = new WatchedRuns(path).run(query.getOrDefault("run", ""));
    String said = Stopping.stop(run, stopHere);
    send(exchange, 200, "text/plain", said + "\n");
  }

  private static void send(HttpExchange exchange, int status, String type, String text)
      throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", type + "; charset=utf-8");
    exchange.sendResponseHeaders(status, bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  /** Ends the page and its streams. Idempotent. */
  @Override
  public void close() {
    closed = true;
    server.stop(0);
    threads.shutdownNow();
  }
}
