package dev.sextant.kernels.stencil;

import dev.sextant.kernels.channels.ChannelThreads;
import dev.sextant.kernels.ptx.Assembler;
import dev.sextant.kernels.ptx.Operand.B32;
import dev.sextant.kernels.ptx.Operand.B64;
import dev.sextant.kernels.ptx.Operand.Pred;

/**
 * The threads of a kernel over images: x over vectors of channels, y over tiles of target pixels,
 * in the order of memory, images included. Grid: x over tiles, y over parts of the channels.
 */
public final class ImageTiles {
  /** Extents of a kernel over images; declared as parameters in this order. */
  public record Extents(
      B32 channels,
      B32 sourceHeight,
      B32 sourceWidth,
      B32 targetHeight,
      B32 targetWidth,
      B32 tilesDown,
      B32 tilesAcross,
      B32 tiles) {
    public static Extents of(Assembler k) {
      return new Extents(
          k.integer("channels", "of each pixel"),
          k.integer("sourceHeight", "of the images read"),
          k.integer("sourceWidth", "of the images read"),
          k.integer("targetHeight", "of the images written"),
          k.integer("targetWidth", "of the images written"),
          k.integer("tilesDown", "of each image"),
          k.integer("tilesAcross", "of each image"),
          k.integer("tiles", "of all images"));
    }
  }

  final Assembler k;
  public final ChannelThreads threads;
  public final Extents extents;

  /** Bytes from a pixel to the next. */
  public final B64 pixelBytes;

  public ImageTiles(Assembler k, int width, Extents extents) {
    this.k = k;
    this.extents = extents;
    threads = new ChannelThreads(k, width, extents.channels, "%ctaid.y");
    pixelBytes = k.bytes(extents.channels);
  }

  /** This thread's tile, where a thread has one only. */
  public B32 number() {
    return k.multiplyAdd(k.special("%ctaid.x"), k.special("%ntid.y"), k.special("%tid.y"));
  }

  /** Whether a tile and this thread's channels exist. */
  public Pred exists(B32 tile) {
    return k.and(threads.inside, k.less(tile, extents.tiles));
  }

  /** Where a tile lies. */
  public Place place(B32 tile) {
    k.comment("image, row and column of the tile");
    B32 rows = k.divide(tile, extents.tilesAcross);
    B32 column = k.subtract(tile, k.multiply(rows, extents.tilesAcross));
    B32 image = k.divide(rows, extents.tilesDown);
    B32 row = k.subtract(rows, k.multiply(image, extents.tilesDown));
    return new Place(image, row, column);
  }

  /** A tile: its image, and its number down and across. */
  public record Place(B32 image, B32 row, B32 column) {}

  /** position step - padding: the first pixel of a tile. */
  public B32 first(B32 position, int step, int padding) {
    return k.add(k.multiply(position, step), -padding);
  }

  /** The index of this thread's first channel at a pixel, which may lie outside a row. */
  public B32 index(B32 image, B32 row, B32 column, B32 height, B32 across) {
    B32 line = k.multiplyAdd(image, height, row);
    B32 pixel = k.multiplyAdd(line, across, column);
    return k.multiplyAdd(pixel, extents.channels, threads.channel);
  }

  /** The address of this thread's channels at a pixel, which may lie outside a row. */
  public B64 at(B64 base, B32 image, B32 row, B32 column, B32 height, B32 across) {
    return k.element(base, index(image, row, column, height, across));
  }
}
