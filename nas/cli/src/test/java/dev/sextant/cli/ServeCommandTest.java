package dev.sextant.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Weights;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class ServeCommandTest {
  private static final String NETWORK =
      """
      {"format": "sextant-architecture/1", "name": "tiny", "classes": 2,
       "input": {"height": 2, "width": 2, "channels": 1},
       "layers": [{"op": "global-avg-pool"}, {"op": "linear", "out": 2}]}
      """;

  private static final String REQUEST =
      """
      {"inputs": [{"name": "pixels", "datatype": "UINT8", "shape": [1, 2, 2, 1],
        "data": [10, 20, 30, 40]}]}
      """;

  @TempDir private Path directory;

  private void write(long seed) throws IOException {
    Architecture architecture = Architecture.parse(NETWORK, "tiny");
    Files.writeString(directory.resolve("architecture.json"), NETWORK);
    Weights.random(architecture, seed).write(directory.resolve("weights.safetensors"));
  }

  /** A real process: asked, given other weights, and stopped in the middle of a request. */
  @Test
  @Timeout(120)
  void aModelIsServedReplacedAndStoppedGracefully() throws Exception {
    write(1);
    List<String> line =
        List.of(
            System.getProperty("java.home") + "/bin/java",
            "-XX:TieredStopAtLevel=1",
            "-Xmx64m",
            "--add-modules=jdk.incubator.vector",
            "-cp",
            System.getProperty("java.class.path"),
            Main.class.getName(),
            "serve",
            directory.toString(),
            "--port=0",
            "--watch",
            "--instances=2");
    Process process =
        new ProcessBuilder(line).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8);
        HttpClient client = HttpClient.newHttpClient()) {
      String first = String.valueOf(out.readLine());
      assertTrue(first.startsWith("serving   http://127.0.0.1:"), first);
      URI uri = URI.create(first.substring("serving   ".length()) + "/infer");
      HttpRequest request =
          HttpRequest.newBuilder(uri).POST(BodyPublishers.ofString(REQUEST)).build();
      String before = client.send(request, BodyHandlers.ofString()).body();
      assertTrue(before.contains("\"logits\""), before);
      write(2);
      String replaced = String.valueOf(out.readLine());
      assertTrue(replaced.startsWith("replaced"), replaced);
      String after = client.send(request, BodyHandlers.ofString()).body();
      assertTrue(after.contains("\"logits\"") && !after.equals(before), after);
      try (Socket slow = new Socket(InetAddress.getLoopbackAddress(), uri.getPort())) {
        slow.setSoTimeout(30_000);
        String head = "POST /v2/models/tiny/infer HTTP/1.1\r\nHost: a\r\nContent-Length: ";
        slow.getOutputStream()
            .write((head + REQUEST.length() + "\r\n\r\n{").getBytes(StandardCharsets.UTF_8));
        // It is under way once the server has read its head.
        Thread.sleep(500);
        process.destroy();
        Thread.sleep(100);
        slow.getOutputStream().write(REQUEST.substring(1).getBytes(StandardCharsets.UTF_8));
        byte[] answer = slow.getInputStream().readNBytes(12);
        assertEquals("HTTP/1.1 200", new String(answer, StandardCharsets.UTF_8));
      }
      assertTrue(process.waitFor(30, TimeUnit.SECONDS));
      // 128 + SIGTERM.
      assertEquals(143, process.exitValue());
    } finally {
      process.destroyForcibly();
    }
  }

  @Test
  void badInputIsOneLine() throws Exception {
    Command.run("serve", directory).refused("holds no trained model", "architecture.json");
    write(1);
    Command.run("serve", directory, "--port=99999").refused("port: 99999");
    Command.run("serve", directory, "--host=no.such.host.invalid").refused("no.such.host.invalid");
    Command.run("serve", directory, "--waiting=-1").refused("-1 waiting");
    Command.run("serve", directory, "--batch=0").refused("batch 0");
  }
}
