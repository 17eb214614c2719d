package dev.sextant.nas.data.image;

/** What the stored samples of a pixel mean. */
enum Coding {
  GRAY,
  /** Indices of a table of colours. */
  PALETTE,
  RGB,
  /** Luma and two differences (JFIF 1.02). */
  YCBCR,
  /** Four inks, each stored inverted: 255 is none, as Adobe writes them. */
  CMYK,
  /** CMYK whose first three samples are put as YCbCr. */
  YCCK
}
