/** A service that classifies images with a network that a search found. */
module dev.example.service {
  requires dev.sextant.runtime;
  requires java.desktop;
  requires jdk.httpserver;
}
