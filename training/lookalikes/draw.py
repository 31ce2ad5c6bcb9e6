"""Text, handwriting, small drawings and random words."""

import functools
import math
import random

import numpy as np
from PIL import Image, ImageDraw, ImageFont

WORDS = (
    "river stone market window paper silver garden morning engine letter winter summer carpet button bridge yellow pocket "
    "church doctor travel number system report between another because without children history question harbour lantern "
    "copper valley meadow orchard thunder velvet marble falcon compass ember saffron willow anchor canyon pebble juniper "
    "cobalt timber mustard walnut cherry ginger almond pepper forest island planet signal memory circle shadow mirror "
    "energy budget region growth supply energy margin review school nurse kitchen bottle pencil ticket railway station"
).split()
FIRST = "Anna Bela Carl Dora Emil Fatima Georg Hanna Ivan Julia Karim Lena Marco Nadia Oscar Petra Quentin Rosa Samir Tilda Ugo Vera Wanda Yusuf Zoe Piotr Ines Olga Ravi Mei".split()
LAST = "Bakker Castell Dumont Eriksen Fischer Garcia Horvath Ibrahim Jansen Kowalski Lindt Moreau Novak Okafor Petrov Quist Rossi Silva Tanaka Ulrich Varga Weber Yilmaz Zanetti Adler Brandt Keller Singh".split()
TOWNS = "Altona Bergen Como Delft Evora Fulda Ghent Halle Imola Jena Kassel Lugano Malmo Nantes Oulu Parma Riga Siena Trier Uppsala Vigo Worms Zadar".split()
INKS = [(20, 35, 120), (15, 15, 20), (30, 60, 160), (40, 40, 45)]


@functools.lru_cache(maxsize=200)
def font(size):
    return ImageFont.load_default(size=max(6, int(size)))


def words(r, least, most=None):
    return " ".join(r.choice(WORDS) for _ in range(r.randint(least, most or least)))


def title(r, least, most=None):
    return words(r, least, most).title()


def person(r):
    return f"{r.choice(FIRST)} {r.choice(LAST)}"


def street(r):
    return f"{r.choice(WORDS).title()} {r.choice(['Street', 'Lane', 'Road', 'Square'])} {r.randint(1, 199)}"


def date(r):
    return f"{r.randint(1, 28):02d}.{r.randint(1, 12):02d}.{r.randint(1996, 2025)}"


def number(r, digits):
    return "".join(r.choice("0123456789") for _ in range(digits))


def colour(r, low=0, high=255):
    return tuple(r.randint(low, high) for _ in range(3))


def vivid(r, value=None, hue=None):
    """A strong colour."""
    hue = r.random() if hue is None else hue
    value = r.uniform(0.35, 0.95) if value is None else value
    saturation = r.uniform(0.5, 0.95)
    ramp = [max(0.0, min(1.0, abs((hue * 6 + shift) % 6 - 3) - 1)) for shift in (0, 4, 2)]
    return tuple(int(255 * value * (1 - saturation + saturation * part)) for part in ramp)


def again(seed):
    """The random state of a part that stays the same in all variants."""
    return random.Random(seed)


def mixed(one, other, share):
    return tuple(int(a * (1 - share) + b * share) for a, b in zip(one, other))


def dark(tone):
    return 0.3 * tone[0] + 0.59 * tone[1] + 0.11 * tone[2] < 140


def readable(tone):
    """Black or white, whichever is read on this colour."""
    return (250, 250, 250) if dark(tone) else (20, 20, 20)


def text(image, xy, string, size, fill, bold=0, slant=0.0, wide=1.0, anchor="la"):
    """Writes a line; slant makes it italic, wide stretches it. Returns the width."""
    face = font(size)
    width = int(face.getlength(string)) + 2 * bold + 4
    height = int(size * 1.4) + 2 * bold
    if not slant and wide == 1.0:
        ImageDraw.Draw(image).text(
            xy, string, font=face, fill=fill, stroke_width=bold, anchor=anchor
        )
        return width
    room = int(abs(slant) * height) + 2
    mask = Image.new("L", (width + 2 * room, height), 0)
    ImageDraw.Draw(mask).text(
        (room + bold + 2, bold), string, font=face, fill=255, stroke_width=bold
    )
    out = max(1, int((width + 2 * room) * wide))
    mask = mask.transform(
        (out, height), Image.AFFINE, (1 / wide, slant, -slant * height / 2, 0, 1, 0), Image.BICUBIC
    )
    x, y = xy
    x -= {"l": 0, "m": out // 2, "r": out}[anchor[0]] + (
        int(room * wide) if anchor[0] == "l" else 0
    )
    y -= {"a": 0, "m": height // 2, "s": int(size), "t": 0}[anchor[1]]
    image.paste(Image.new("RGB", mask.size, fill), (int(x), int(y)), mask)
    return out


def fitted(string, size, width):
    """The font size, at most `size`, in which the line is no wider than `width`."""
    length = font(size).getlength(string)
    return int(size if length <= width else max(8, size * width / length))


def paragraph(image, box, string, size, fill, leading=1.35, **look):
    """Writes words in lines within (left, top, right, bottom); returns the height that was used."""
    left, top, right, bottom = box
    line, y = "", top
    for word in string.split() + [None]:
        longer = f"{line} {word}".strip() if word else None
        if longer and font(size).getlength(longer) <= right - left:
            line = longer
            continue
        if y + size > bottom:
            break
        text(image, (left, y), line, size, fill, **look)
        y += size * leading
        line = word or ""
    return y - top


def mono(image, xy, string, size, fill, pitch=0.62, bold=0):
    """Writes a line with one width for all letters, as a typewriter or a till does."""
    draw = ImageDraw.Draw(image)
    for place, letter in enumerate(string):
        draw.text(
            (xy[0] + (place + 0.5) * size * pitch, xy[1]),
            letter,
            font=font(size),
            fill=fill,
            stroke_width=bold,
            anchor="ma",
        )


def hand(r, image, xy, string, size, fill, bold=None):
    """Writes a line letter by letter, each a little turned, raised and slanted."""
    slant, drift = r.uniform(-0.1, 0.35), r.uniform(-0.03, 0.03)
    x, y = xy
    bold = (r.choice([0, 0, 1]) if size > 30 else 0) if bold is None else bold
    for letter in string:
        tall = size * r.uniform(0.88, 1.14)
        step = font(tall).getlength(letter)
        if letter != " ":
            edge = int(tall * 1.9)
            mask = Image.new("L", (edge, edge), 0)
            ImageDraw.Draw(mask).text(
                (edge // 2, edge // 2),
                letter,
                font=font(tall),
                fill=255,
                anchor="mm",
                stroke_width=bold,
            )
            lean = slant + r.uniform(-0.08, 0.08)
            mask = mask.transform(
                mask.size, Image.AFFINE, (1, lean, -lean * edge / 2, 0, 1, 0), Image.BILINEAR
            )
            mask = mask.rotate(r.uniform(-9, 9), Image.BILINEAR)
            place = (
                int(x + step / 2 - edge / 2),
                int(y + size * 0.6 + r.uniform(-0.06, 0.06) * size - edge / 2),
            )
            image.paste(Image.new("RGB", mask.size, fill), place, mask)
        x += step * r.uniform(0.84, 0.98)
        y += drift * step
    return x - xy[0]


def scribble(r, draw, box, fill, width=2):
    """A signature: a running loop."""
    left, top, right, bottom = box
    middle, tall = (top + bottom) / 2, (bottom - top) / 2
    speed, turns = r.uniform(1.5, 3.5), r.randint(4, 9)
    phases = [r.uniform(0, 6.28) for _ in range(3)]
    points = []
    for step in range(90):
        t = step / 89
        x = left + (right - left) * (t + 0.06 * math.sin(turns * 6.28 * t + phases[0]))
        swing = math.sin(turns * 6.28 * t + phases[1]) * (
            0.3 + 0.7 * abs(math.sin(speed * 3 * t + phases[2]))
        )
        points.append((x, middle + tall * 0.8 * swing * (1 - 0.5 * t)))
    draw.line(points, fill=fill, width=width, joint="curve")


def barcode(r, draw, box, fill=(0, 0, 0)):
    left, top, right, bottom = box
    x = left
    while x < right - 4:
        wide = r.choice([1, 1, 2, 3])
        draw.rectangle((x, top, x + (wide - 1), bottom), fill=fill)
        x += wide + r.choice([1, 2, 3])


def square_code(r, image, box_left, box_top, edge, cells=21):
    """A square code with three corner marks."""
    bits = np.array([[r.random() < 0.5 for _ in range(cells)] for _ in range(cells)])
    mark = np.zeros((7, 7), bool)
    mark[0, :] = mark[-1, :] = mark[:, 0] = mark[:, -1] = True
    mark[2:5, 2:5] = True
    for top, left in ((0, 0), (0, cells - 7), (cells - 7, 0)):
        bits[max(0, top - 1) : top + 8, max(0, left - 1) : left + 8] = False
        bits[top : top + 7, left : left + 7] = mark
    code = Image.fromarray(np.where(bits, 0, 255).astype(np.uint8)).resize(
        (edge, edge), Image.NEAREST
    )
    image.paste(code.convert("RGB"), (box_left, box_top))


def ring(sides, x, y, radius, turn=0.0, inner=None):
    """Corners of a polygon or, with an inner radius, of a star."""
    count = sides * (2 if inner else 1)
    reach = lambda k: inner if inner and k % 2 else radius
    return [
        (
            x + reach(k) * math.cos(turn + 2 * math.pi * k / count),
            y + reach(k) * math.sin(turn + 2 * math.pi * k / count),
        )
        for k in range(count)
    ]


def logo(r, image, x, y, size, tone):
    """A small mark in a square of this size."""
    draw = ImageDraw.Draw(image)
    middle, half = (x + size / 2, y + size / 2), size / 2
    kind, other = r.randrange(5), readable(tone)
    if kind == 0:
        draw.ellipse((x, y, x + size, y + size), fill=tone)
        draw.polygon(ring(3, *middle, half * 0.6, r.uniform(0, 6)), fill=other)
    elif kind == 1:
        draw.rounded_rectangle((x, y, x + size, y + size), size // 5, fill=tone)
        draw.text(
            middle,
            r.choice("ABDEGHKMNPRSTVW"),
            font=font(size * 0.75),
            fill=other,
            anchor="mm",
            stroke_width=1,
        )
    elif kind == 2:
        draw.polygon(ring(r.randint(5, 9), *middle, half, r.uniform(0, 6), half * 0.5), fill=tone)
    elif kind == 3:
        for k in range(3):
            draw.arc(
                (
                    x + k * size / 7,
                    y + k * size / 7,
                    x + size - k * size / 7,
                    y + size - k * size / 7,
                ),
                30 + 90 * k,
                300 + 90 * k,
                fill=tone,
                width=max(2, size // 12),
            )
    else:
        for k in range(3):
            draw.rectangle(
                (
                    x + k * size / 3,
                    y + size * r.uniform(0, 0.6),
                    x + (k + 0.8) * size / 3,
                    y + size,
                ),
                fill=tone,
            )


def figure(r, image, box, tones):
    """An abstract figure of a few large forms, another for every call."""
    left, top, right, bottom = box
    draw = ImageDraw.Draw(image)
    wide, tall = right - left, bottom - top
    x, y, radius = (left + right) / 2, (top + bottom) / 2, min(wide, tall) / 2
    kind = r.randrange(7)
    if kind == 0:
        for k in range(r.randint(3, 6), 0, -1):
            draw.polygon(
                ring(r.randint(3, 8), x, y, radius * k / 6, r.uniform(0, 6)), fill=r.choice(tones)
            )
    elif kind == 1:
        sides, inner = r.randint(4, 14), r.uniform(0.3, 0.75)
        draw.polygon(ring(sides, x, y, radius, r.uniform(0, 6), radius * inner), fill=tones[0])
        draw.ellipse(
            (x - radius * 0.3, y - radius * 0.3, x + radius * 0.3, y + radius * 0.3), fill=tones[-1]
        )
    elif kind == 2:
        for _ in range(r.randint(5, 12)):
            size, u, v = radius * r.uniform(0.12, 0.45), r.uniform(-0.7, 0.7), r.uniform(-0.7, 0.7)
            draw.ellipse(
                (
                    x + u * radius - size,
                    y + v * radius - size,
                    x + u * radius + size,
                    y + v * radius + size,
                ),
                fill=r.choice(tones),
            )
    elif kind == 3:
        count = r.randint(4, 9)
        for k in range(count):
            height = tall * r.uniform(0.2, 1)
            draw.rectangle(
                (
                    left + wide * k / count,
                    bottom - height,
                    left + wide * (k + 0.75) / count,
                    bottom,
                ),
                fill=r.choice(tones),
            )
    elif kind == 4:
        count = r.randint(4, 8)
        for k in range(count):
            level = top + tall * (k + 0.5) / count
            phase, waves, lift = r.uniform(0, 6), r.uniform(0.6, 2.5), tall * r.uniform(0.05, 0.2)
            points = [
                (left + wide * t / 30, level + lift * math.sin(phase + waves * 6.28 * t / 30))
                for t in range(31)
            ]
            draw.line(points, fill=r.choice(tones), width=max(3, int(tall * r.uniform(0.02, 0.09))))
    elif kind == 5:
        cells, inks = r.randint(3, 6), r.sample(tones, min(2, len(tones)))
        across, down = (2 if side > 4 * cells else side / cells / 4 for side in (wide, tall))
        for row in range(cells):
            for column in range(cells):
                if r.random() < 0.6:
                    a, b = left + wide * column / cells, top + tall * row / cells
                    shape = r.choice([draw.rectangle, draw.ellipse])
                    shape(
                        (a + across, b + down, a + wide / cells - across, b + tall / cells - down),
                        fill=r.choice(inks),
                    )
    else:
        for _ in range(r.randint(3, 6)):
            corners = [(left + wide * r.random(), top + tall * r.random()) for _ in range(3)]
            draw.polygon(corners, fill=r.choice(tones))
        size = radius * r.uniform(0.2, 0.4)
        u, v = r.uniform(-0.4, 0.4) * wide, r.uniform(-0.4, 0.4) * tall
        draw.ellipse((x + u - size, y + v - size, x + u + size, y + v + size), fill=r.choice(tones))


def fill_box(photo, width, height, r=None):
    """The photo scaled and cropped to fill a box; with r the crop is moved a little."""
    scale = max(width / photo.width, height / photo.height)
    big = photo.resize(
        (max(width, round(photo.width * scale)), max(height, round(photo.height * scale))),
        Image.BICUBIC,
    )
    x, y = (big.width - width) / 2, (big.height - height) / 2
    if r:
        x, y = x * r.uniform(0.5, 1.5), y * r.uniform(0.5, 1.5)
    return big.crop((int(x), int(y), int(x) + width, int(y) + height))


def fit_box(photo, width, height):
    """The photo scaled to fit into a box."""
    scale = min(width / photo.width, height / photo.height)
    return photo.resize(
        (max(1, round(photo.width * scale)), max(1, round(photo.height * scale))), Image.BICUBIC
    )


def gradient(width, height, one, other, down=True):
    ramp = np.linspace(0, 1, height if down else width)[:, None]
    line = np.asarray(one) * (1 - ramp) + np.asarray(other) * ramp
    area = np.broadcast_to(line[:, None] if down else line[None], (height, width, 3))
    return Image.fromarray(area.astype(np.uint8))
