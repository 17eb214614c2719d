package dev.sextant.spark;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * How two workers prove to each other that they know a secret without saying it: each sends random
 * bytes, and the other's answer is the HMAC-SHA-256 of both, the ranks, and who answers. Time
 * limits are the socket's.
 */
final class Handshake {
  private static final int RANDOM_BYTES = 32;
  private static final int MAC_BYTES = 32;
  private static final int DIALS = 1;
  private static final int ACCEPTS = 2;

  private Handshake() {}

  /** Whether who accepts knows the secret. */
  static boolean dial(Socket socket, byte[] secret, int rank, int peer) throws IOException {
    DataInputStream in = new DataInputStream(socket.getInputStream());
    DataOutputStream out = new DataOutputStream(socket.getOutputStream());
    byte[] theirs = in.readNBytes(RANDOM_BYTES);
    byte[] own = random();
    ByteBuffer message = ByteBuffer.allocate(Integer.BYTES + RANDOM_BYTES + MAC_BYTES);
    message.putInt(rank).put(own).put(mac(secret, DIALS, theirs, own, rank, peer));
    out.write(message.array());
    byte[] answer = in.readNBytes(MAC_BYTES);
    return MessageDigest.isEqual(answer, mac(secret, ACCEPTS, theirs, own, rank, peer));
  }

  /** The rank of who dials, or -1 if it does not know the secret. */
  static int accept(Socket socket, byte[] secret, int rank) throws IOException {
    DataInputStream in = new DataInputStream(socket.getInputStream());
    DataOutputStream out = new DataOutputStream(socket.getOutputStream());
    byte[] own = random();
    out.write(own);
    int peer = in.readInt();
    byte[] theirs = in.readNBytes(RANDOM_BYTES);
    byte[] proof = in.readNBytes(MAC_BYTES);
    if (!MessageDigest.isEqual(proof, mac(secret, DIALS, own, theirs, peer, rank))) {
      return -1;
    }
    out.write(mac(secret, ACCEPTS, own, theirs, peer, rank));
    return peer;
  }

  private static byte[] random() {
    byte[] bytes = new byte[RANDOM_BYTES];
    new SecureRandom().nextBytes(bytes);
    return bytes;
  }

  private static byte[] mac(
      byte[] secret, int role, byte[] ofAcceptor, byte[] ofDialer, int dialer, int acceptor) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(secret, mac.getAlgorithm()));
      mac.update(
          ByteBuffer.allocate(3 * Integer.BYTES)
              .putInt(role)
              .putInt(dialer)
              .putInt(acceptor)
              .flip());
      mac.update(ofAcceptor);
      return mac.doFinal(ofDialer);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every JDK has HMAC-SHA-256", e);
    }
  }
}
