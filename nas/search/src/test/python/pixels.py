"""Makes the images of ImageFileTest, and what Pillow reads in them.

    pip install pillow numpy
    python pixels.py ../resources/dev/sextant/nas/data/image

For each image NAME.jpg or NAME.png it writes NAME.rgb, the pixels [H, W, 3] as
`ImageOps.exif_transpose(Image.open(f)).convert("RGB")` gives them (16-bit gray: the upper 8 bits,
Pillow clips those), and a line `file height width tolerance` in pixels.txt.
"""
import io
import pathlib
import struct
import sys
import zlib

import numpy as np
from PIL import Image, ImageCms, ImageOps

H, W = 12, 20
OUT = pathlib.Path(sys.argv[1])
OUT.mkdir(parents=True, exist_ok=True)
lines = []


def expected(data):
    image = Image.open(io.BytesIO(data))
    if image.mode.startswith("I"):
        return np.repeat((np.array(image).astype(int) >> 8)[..., None], 3, 2)
    return np.array(ImageOps.exif_transpose(image).convert("RGB"))


def keep(name, data, tolerance=1):
    pixels = expected(data).astype(np.uint8)
    (OUT / name).write_bytes(data)
    (OUT / name.replace(".", "-")).with_suffix(".rgb").write_bytes(pixels.tobytes())
    lines.append(f"{name} {pixels.shape[0]} {pixels.shape[1]} {tolerance}")


# A smooth picture of all colours: chroma of half size is interpolated, not cut at edges.
y, x = np.mgrid[0:H, 0:W]
rgb = np.stack([x * 13, y * 21, 255 - x * 5 - y * 8], 2).astype(np.uint8)
picture = Image.fromarray(rgb)
gray = picture.convert("L")
cmyk = Image.fromarray(
    np.stack([x * 12, y * 20, 200 - x * 9, x * 5 + y * 8], 2).astype(np.uint8), "CMYK")

# The primaries of sRGB changed about: a reader that applies it shows red as blue.
profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
profile[24:36] = bytes(12)  # its date
places = {}
for i in range(struct.unpack(">I", profile[128:132])[0]):
    tag, at, size = struct.unpack(">4sII", profile[132 + 12 * i:144 + 12 * i])
    places[tag] = (at, size)
(red, n), (blue, _) = places[b"rXYZ"], places[b"bXYZ"]
profile[red:red + n], profile[blue:blue + n] = profile[blue:blue + n], profile[red:red + n]
profile = bytes(profile)


def jpeg(image, **options):
    out = io.BytesIO()
    image.save(out, "JPEG", quality=90, **options)
    return out.getvalue()


def segments(data):
    """Marker and body of each segment before the scan, and the rest."""
    found, at = [], 2
    while data[at + 1] != 0xDA:
        size = struct.unpack(">H", data[at + 2:at + 4])[0]
        found.append((data[at + 1], bytearray(data[at + 4:at + 2 + size])))
        at += 2 + size
    return found, data[at:]


def edit(data, drop=(), names=None, adobe=None):
    """The file without some segments, with other component names, with an Adobe transform."""
    found, rest = segments(data)
    rest = bytearray(rest)
    out = b"\xff\xd8"
    if adobe is not None:
        body = b"Adobe" + struct.pack(">HHHB", 100, 0, 0, adobe)
        out += b"\xff\xee" + struct.pack(">H", len(body) + 2) + body
    for marker, body in found:
        if marker in drop:
            continue
        if marker in (0xC0, 0xC1, 0xC2) and names:
            for c, name in enumerate(names):
                body[6 + 3 * c] = name
        out += bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + bytes(body)
    if names:
        for c, name in enumerate(names):
            rest[5 + 2 * c] = name
    return out + bytes(rest)


JFIF, ADOBE = 0xE0, 0xEE
keep("gray.jpg", jpeg(gray))
keep("ycbcr-444.jpg", jpeg(picture, subsampling=0))
keep("ycbcr-422.jpg", jpeg(picture, subsampling=1), 3)
keep("ycbcr-420.jpg", jpeg(picture, subsampling=2), 3)
keep("progressive.jpg", jpeg(picture, subsampling=0, progressive=True))
keep("restarts.jpg", jpeg(picture, subsampling=0, restart_marker_blocks=1))
plain = jpeg(picture, subsampling=0)
keep("no-jfif.jpg", edit(plain, drop=[JFIF]))
keep("no-jfif-odd-names.jpg", edit(plain, drop=[JFIF], names=[0, 7, 9]))
keep("names-rgb.jpg", edit(plain, drop=[JFIF], names=b"RGB"))
keep("names-rgb-jfif.jpg", edit(plain, names=b"RGB"))
keep("adobe-0.jpg", edit(plain, drop=[JFIF], adobe=0))
keep("adobe-0-jfif.jpg", edit(plain, adobe=0))
keep("adobe-1.jpg", edit(plain, drop=[JFIF], adobe=1))
keep("adobe-1-names-rgb.jpg", edit(plain, drop=[JFIF], adobe=1, names=b"RGB"))
keep("adobe-2.jpg", edit(plain, drop=[JFIF], adobe=2))
keep("rgb.jpg", jpeg(picture, keep_rgb=True))


def tall(image):
    """4:4:0, by turning 4:2:2's header: blocks come in the same order, elsewhere. Sides of 16 n."""
    found, rest = segments(jpeg(image, subsampling=1))
    out = b"\xff\xd8"
    for marker, body in found:
        if marker == 0xC0:
            body[1:3], body[3:5], body[7] = body[3:5], body[1:3], 0x12
        out += bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + bytes(body)
    return out + rest


keep("ycbcr-440.jpg", tall(picture.resize((32, 16))))
blocks = np.random.default_rng(0).integers(0, 2, (4, 8, 3)).astype(np.uint8) * 255
keep("ycbcr-440-edges.jpg", tall(Image.fromarray(blocks.repeat(4, 0).repeat(4, 1))))
keep("ycbcr-420-edges.jpg",
     jpeg(Image.fromarray(blocks.repeat(4, 0).repeat(4, 1)[:13, :27]), subsampling=2), 3)
inks = jpeg(cmyk)
keep("cmyk.jpg", inks)
keep("cmyk-half-black.jpg", jpeg(Image.new("CMYK", (W, H), (0, 0, 0, 128))))
keep("cmyk-no-adobe.jpg", edit(inks, drop=[ADOBE]))
keep("ycck.jpg", edit(inks, drop=[ADOBE], adobe=2))
keep("cmyk-adobe-1.jpg", edit(inks, drop=[ADOBE], adobe=1))
keep("cmyk-progressive.jpg", jpeg(cmyk, progressive=True))
keep("profile.jpg", jpeg(picture, subsampling=0, icc_profile=profile))
keep("gray-profile.jpg", jpeg(gray, icc_profile=profile))
keep("cmyk-profile.jpg", jpeg(cmyk, icc_profile=profile))
for turn in range(1, 9):
    exif = Image.Exif()
    exif[0x0112] = turn
    keep(f"turned-{turn}.jpg", jpeg(picture, subsampling=0, exif=exif))
exif = Image.Exif()
exif[0x0112] = 9
keep("turned-9.jpg", jpeg(gray, exif=exif))
body = b"Exif\0\0MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0"
found, rest = segments(plain)
keep("turned-big-endian.jpg", plain[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
     + plain[2:])


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def packed(rows, bits):
    """Rows of samples, each with its filter byte (0: none; 2: up, every second)."""
    out, above = b"", None
    for i, row in enumerate(rows):
        row = row.reshape(-1).astype(np.uint32)
        if bits == 16:
            raw = row.astype(">u2").tobytes()
        elif bits == 8:
            raw = row.astype(np.uint8).tobytes()
        else:
            digits = "".join(f"{v:0{bits}b}" for v in row)
            digits += "0" * (-len(digits) % 8)
            raw = bytes(int(digits[k:k + 8], 2) for k in range(0, len(digits), 8))
        if i % 2 and above is not None:
            out += b"\2" + bytes((a - b) % 256 for a, b in zip(raw, above))
        else:
            out += b"\0" + raw
        above = raw
    return out


def png(samples, kind, bits, before=(), after=(), interlaced=False):
    data = b"\x89PNG\r\n\x1a\n" + chunk(
        b"IHDR", struct.pack(">IIBBBBB", W, H, bits, kind, 0, 0, int(interlaced)))
    for name, body in before:
        data += chunk(name, body)
    if interlaced:
        raw = b""
        for x0, y0, dx, dy in [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4),
                               (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]:
            part = samples[y0::dy, x0::dx]
            raw += packed(part, bits) if part.size else b""
    else:
        raw = packed(samples, bits)
    data += chunk(b"IDAT", zlib.compress(raw))
    for name, body in after:
        data += chunk(name, body)
    return data + chunk(b"IEND", b"")


level = (x * 13 + y).astype(int)
alpha = ((x + y) * 8 % 256).astype(int)
colors = bytes((i * 7 % 256, 255 - i, i * 31 % 256)[c] for i in range(256) for c in range(3))
gamma = (b"gAMA", struct.pack(">I", 100000))
iccp = (b"iCCP", b"p\0\0" + zlib.compress(profile))
srgb = (b"sRGB", b"\0")
chrm = (b"cHRM", struct.pack(">8I", 31270, 32900, 15000, 6000, 30000, 60000, 64000, 33000))
for bits in (1, 2, 4, 8):
    keep(f"gray-{bits}.png", png(level % 2**bits, 0, bits))
    keep(f"palette-{bits}.png", png(level % 2**bits, 3, bits, [(b"PLTE", colors[:3 << bits])]))
keep("gray-16.png", png(level * 257, 0, 16))
keep("gray-8-gamma.png", png(level, 0, 8, [gamma]))
keep("gray-8-profile.png", png(level, 0, 8, [iccp]))
keep("gray-8-transparent.png", png(level, 0, 8, [(b"tRNS", struct.pack(">H", 13))]))
keep("gray-1-transparent.png", png(level % 2, 0, 1, [(b"tRNS", struct.pack(">H", 1))]))
keep("gray-alpha-8.png", png(np.stack([level, alpha], 2), 4, 8))
keep("gray-alpha-16.png", png(np.stack([level * 256 + 9, alpha * 257], 2), 4, 16))
keep("rgb-8.png", png(rgb, 2, 8))
keep("rgb-8-gamma.png", png(rgb, 2, 8, [gamma, chrm]))
keep("rgb-8-srgb.png", png(rgb, 2, 8, [srgb]))
keep("rgb-8-profile.png", png(rgb, 2, 8, [iccp]))
keep("rgb-8-transparent.png", png(rgb, 2, 8, [(b"tRNS", struct.pack(">HHH", 0, 0, 255))]))
keep("rgb-8-interlaced.png", png(rgb, 2, 8, interlaced=True))
keep("rgb-16.png", png(rgb.astype(int) * 256 + 200, 2, 16))
keep("rgb-16-transparent.png",
     png(rgb.astype(int) * 257, 2, 16, [(b"tRNS", struct.pack(">HHH", 0, 0, 65535))]))
rgba = np.concatenate([rgb.astype(int), alpha[..., None]], 2)
keep("rgba-8.png", png(rgba, 6, 8))
keep("rgba-16.png", png(rgba * 257, 6, 16, [gamma]))
keep("rgba-8-interlaced.png", png(rgba, 6, 8, interlaced=True))
keep("palette-8-transparent.png",
     png(level % 256, 3, 8, [(b"PLTE", colors), (b"tRNS", bytes(range(256)))]))
keep("palette-4-interlaced.png", png(level % 16, 3, 4, [(b"PLTE", colors[:48])], interlaced=True))
keep("palette-8-gamma.png", png(level % 256, 3, 8, [gamma, iccp, (b"PLTE", colors)]))
tiff = b"II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0"
keep("turned-6.png", png(rgb, 2, 8, [(b"eXIf", tiff)]))
keep("turned-6-after.png", png(rgb, 2, 8, after=[(b"eXIf", tiff)]))
(OUT / "pixels.txt").write_text("\n".join(lines) + "\n")
print(len(lines), "images")
