/** A layer with an op of its own, which spaces and architectures can name. */
module dev.example.layer {
  requires transitive dev.sextant.runtime;
  requires dev.sextant.search;

  provides dev.sextant.runtime.layer.LayerProvider with
      dev.example.layer.SquaredReluLayers;
}
