package dev.example.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.Weights;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;

class ClassifierServiceTest {
  private static final Architecture NETWORK =
      Architecture.parse(
          """
          {"format": "sextant-architecture/1", "name": "tiny", "classes": 10,
           "input": {"height": 28, "width": 28, "channels": 1},
           "layers": [
             {"op": "conv", "kernel": 3, "stride": 2, "out": 8, "norm": "batch", "act": "relu6"},
             {"op": "mbconv", "kernel": 3, "expand": 3, "stride": 2, "out": 16},
             {"op": "global-avg-pool"}, {"op": "linear", "out": 10}]}
          """,
          "tiny");

  /** What the service answered. */
  private record Answer(int status, String text) {}

  @Test
  void manyRequestsAtATimeGetTheModelsOwnAnswers() throws Exception {
    assertTrue(CompiledModel.class.getModule().isNamed(), "not on the module path");
    Random random = new Random(1);
    Weights weights =
        Weights.random(NETWORK, 1)
            .withMetadata(CompiledModel.MEAN, "0.5")
            .withMetadata(CompiledModel.DEVIATION, "0.25");
    try (CompiledModel model = CompiledModel.compile(NETWORK, weights);
        ClassifierService service = new ClassifierService(model, 0, 2);
        ExecutorService clients = Executors.newFixedThreadPool(4)) {
      List<Future<Answer>> answers = new ArrayList<>();
      List<Answer> expected = new ArrayList<>();
      for (int i = 0; i < 40; i++) {
        byte[] pixels = new byte[28 * 28];
        random.nextBytes(pixels);
        expected.add(new Answer(200, model.classify(pixels) + "\n"));
        boolean png = i % 2 == 0;
        answers.add(
            clients.submit(
                () ->
                    post(
                        service,
                        png ? "image/png" : "application/octet-stream",
                        png ? png(pixels) : pixels)));
      }
      for (int i = 0; i < expected.size(); i++) {
        assertEquals(expected.get(i), answers.get(i).get(), "request " + i);
      }
      assertEquals(
          new Answer(400, "3 pixels, not 784\n"),
          post(service, "application/octet-stream", new byte[3]));
      assertEquals(
          new Answer(400, "not an image\n"), post(service, "image/png", new byte[] {1, 2}));
      System.out.println("service: " + expected.size() + " requests by two threads");
    }
  }

  private static Answer post(ClassifierService service, String type, byte[] body)
      throws IOException {
    URI uri = URI.create("http://127.0.0.1:" + service.port() + "/classify");
    HttpURLConnection connection = (HttpURLConnection) uri.toURL().openConnection();
    connection.setDoOutput(true);
    connection.setRequestProperty("Content-Type", type);
    connection.getOutputStream().write(body);
    int status = connection.getResponseCode();
    try (InputStream answer =
        status == 200 ? connection.getInputStream() : connection.getErrorStream()) {
      return new Answer(status, new String(answer.readAllBytes(), StandardCharsets.UTF_8));
    }
  }

  private static byte[] png(byte[] pixels) throws IOException {
    BufferedImage image = new BufferedImage(28, 28, BufferedImage.TYPE_BYTE_GRAY);
    for (int i = 0; i < pixels.length; i++) {
      image.getRaster().setSample(i % 28, i / 28, 0, pixels[i] & 0xff);
    }
    ByteArrayOutputStream file = new ByteArrayOutputStream();
    ImageIO.write(image, "png", file);
    return file.toByteArray();
  }
}
