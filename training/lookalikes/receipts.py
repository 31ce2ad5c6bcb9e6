"""Receipts of one till."""

import random

from PIL import Image, ImageDraw

from . import draw
from .draw import text


def receipt(t, bank):
    """One shop's receipts: header, layout and footer stay, items, sums and dates differ."""
    width, size = t.choice([380, 430, 480]), t.choice([20, 22, 24])
    shop, columns = draw.title(t, 1, 2), int(430 / (22 * 0.62))
    tone = t.choice([(20, 20, 25), (30, 30, 60), (50, 40, 40)])
    head = [
        draw.street(t),
        f"{draw.number(t, 5)} {t.choice(draw.TOWNS)}",
        f"Tel {draw.number(t, 4)} {draw.number(t, 5)}",
        f"VAT {draw.number(t, 9)}",
    ]
    foot = [
        draw.words(t, 3, 4),
        "thank you for your visit",
        f"www.{t.choice(draw.WORDS)}-{t.choice(draw.WORDS)}.com",
    ]
    rule, stars, code = (
        t.choice(["-", "=", "*"]),
        t.random() < 0.5,
        t.choice(["bar", "square", "none"]),
    )
    stock = [draw.words(t, 1, 2) for _ in range(40)]
    mark = t.getrandbits(32)
    columns = int((width - 40) / (size * 0.62))

    def fill(r):
        count = r.randint(4, 14)
        rows = [
            (r.choice(stock)[: columns - 9], r.choice([0.49, 0.99, 0.29, 0.5]) + r.randint(0, 39))
            for _ in range(count)
        ]
        page = Image.new("RGB", (width, int(size * 1.25) * (count + 15) + 330), (252, 252, 248))
        pen, y = ImageDraw.Draw(page), 24
        draw.logo(random.Random(mark), page, width // 2 - 30, y, 60, tone)
        text(
            page,
            (width // 2, y + 70),
            shop.upper(),
            draw.fitted(shop.upper(), 40, width - 60),
            tone,
            bold=1,
            anchor="ma",
        )
        y += 126
        step = int(size * 1.25)

        def line(words, right="", bold=0):
            nonlocal y
            draw.mono(
                page,
                (20, y),
                words + " " * (columns - len(words) - len(right)) + right,
                size,
                tone,
                bold=bold,
            )
            y += step

        for words in head:
            line(words[:columns].center(columns))
        line(rule * columns)
        for name, price in rows:
            line(name, f"{price:.2f}")
        line(rule * columns)
        total = sum(price for _, price in rows)
        line("TOTAL", f"{total:.2f}", bold=1)
        line(r.choice(["CASH", "CARD"]), f"{total:.2f}")
        line("VAT 19%", f"{total * 0.19 / 1.19:.2f}")
        line(
            f"{draw.date(r)} {r.randint(7, 21):02d}:{r.randint(0, 59):02d}", f"#{draw.number(r, 5)}"
        )
        line("")
        for words in foot:
            line((f"* {words} *" if stars else words)[:columns].center(columns))
        if code == "bar":
            draw.barcode(r, pen, (60, y + 8, width - 60, y + 70))
            y += 90
        elif code == "square":
            draw.square_code(r, page, width // 2 - 63, y + 8, 126)
            y += 150
        return page.crop((0, 0, width, y + 26))

    return fill
