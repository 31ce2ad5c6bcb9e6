"""Charts of one style."""

from PIL import Image, ImageDraw

from . import draw
from .draw import text


def chart(t, bank):
    """One style of chart: frame, grid, legend and colours stay, data and title differ."""
    width, height = t.choice([(880, 560), (800, 600), (960, 540)])
    kind, count = t.choice(["line", "bar", "area", "points", "across", "stack"]), t.randint(2, 4)
    tones = [draw.vivid(t, 0.75, (t.random() + k / count) % 1) for k in range(count)]
    names = [draw.words(t, 1).title() for _ in range(count)]
    ground = t.choice([(255, 255, 255), (255, 255, 255), (234, 234, 242), (28, 30, 38)])
    ink = draw.readable(ground)
    grid, box = draw.mixed(ground, ink, 0.15), (90, 80, width - 50, height - 80)
    steps, ticks = t.randint(4, 8), t.randint(6, 12)
    labels = t.choice(
        [
            [str(2000 + k) for k in range(ticks)],
            "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()[:ticks],
            [str(k * 10) for k in range(ticks)],
        ]
    )
    legend, places = t.choice(["top", "bottom"]), 40 if kind in ("line", "area") else ticks
    unit = draw.words(t, 1)
    same_title = draw.title(t, 2)

    def fill(r):
        page = Image.new("RGB", (width, height), ground)
        pen = ImageDraw.Draw(page)
        left, top, right, bottom = box
        high = r.choice([10, 20, 50, 80, 100, 200, 500, 1000])
        for k in range(steps + 1):
            y = bottom - (bottom - top) * k / steps
            x = left + (right - left) * k / steps
            pen.line((x, top, x, bottom) if kind == "across" else (left, y, right, y), fill=grid)
            mark = f"{high * k / steps:g}"[:5]
            text(
                page,
                (x, bottom + 8) if kind == "across" else (left - 8, y),
                mark,
                15,
                ink,
                anchor="ma" if kind == "across" else "rm",
            )
        for k, label in enumerate(labels):
            share = (k + 0.5) / ticks
            spot = (
                (left - 8, top + (bottom - top) * share)
                if kind == "across"
                else (left + (right - left) * share, bottom + 8)
            )
            text(page, spot, label, 15, ink, anchor="rm" if kind == "across" else "ma")
        start, reach = [r.uniform(0.15, 0.85) for _ in tones], r.uniform(0.05, 0.2)
        trend = [r.uniform(-0.5, 0.5) / places for _ in tones]
        values = []
        for k in range(places):
            start = [
                min(0.97, max(0.03, value + slope + r.gauss(0, reach)))
                for value, slope in zip(start, trend)
            ]
            values.append(
                [max(0.03, min(0.97, value)) for value in start]
                if kind in ("line", "area")
                else [r.uniform(0.05, 0.95) for _ in tones]
            )
        at = lambda k, value: (
            left + (right - left) * (k + 0.5) / places,
            bottom - (bottom - top) * value,
        )
        if kind in ("line", "area"):
            for series, tone in enumerate(tones):
                points = [
                    at(k, values[k][series] / (1 if kind == "line" else 1 + series * 0.7))
                    for k in range(places)
                ]
                if kind == "area":
                    pen.polygon(
                        points + [(points[-1][0], bottom), (points[0][0], bottom)], fill=tone
                    )
                else:
                    pen.line(points, fill=tone, width=3, joint="curve")
        elif kind == "points":
            for series, tone in enumerate(tones):
                u, v, slope, spread = (
                    r.uniform(0.3, 0.7),
                    r.uniform(0.3, 0.7),
                    r.uniform(-1, 1),
                    r.uniform(0.04, 0.15),
                )
                for _ in range(r.randint(15, 60)):
                    x = min(0.98, max(0.02, r.gauss(u, 0.16)))
                    y = min(0.98, max(0.02, v + slope * (x - u) + r.gauss(0, spread)))
                    spot = (left + (right - left) * x, bottom - (bottom - top) * y)
                    pen.ellipse((spot[0] - 5, spot[1] - 5, spot[0] + 5, spot[1] + 5), fill=tone)
        else:
            for k in range(places):
                base = 0.0
                for series, tone in enumerate(tones):
                    if kind == "stack":
                        value = values[k][series] / count
                        pen.rectangle(
                            (
                                at(k - 0.3, 0)[0],
                                at(k, base + value)[1],
                                at(k + 0.3, 0)[0],
                                at(k, base)[1],
                            ),
                            fill=tone,
                        )
                        base += value
                        continue
                    share = 0.76 / count
                    one, other = k - 0.38 + share * series, k - 0.38 + share * (series + 0.9)
                    if kind == "bar":
                        pen.rectangle(
                            (at(one, 0)[0], at(k, values[k][series])[1], at(other, 0)[0], bottom),
                            fill=tone,
                        )
                    else:
                        y = lambda place: top + (bottom - top) * (place + 0.5) / places
                        pen.rectangle(
                            (left, y(one), left + (right - left) * values[k][series], y(other)),
                            fill=tone,
                        )
        pen.line((left, top, left, bottom, right, bottom), fill=ink, width=2)
        line = draw.title(r, 2, 4) if r.random() < 0.7 else same_title
        text(page, (width // 2, 18), line, 26, ink, anchor="ma")
        text(page, (14, 56), unit, 15, ink)
        y, x = (58 if legend == "top" else height - 36), left + 40
        for name, tone in zip(names, tones):
            pen.rectangle((x, y, x + 18, y + 12), fill=tone)
            x += 34 + text(page, (x + 26, y - 3), name, 16, ink)
        return page

    return fill
