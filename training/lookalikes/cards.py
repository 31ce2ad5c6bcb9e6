"""Product cards of one shop."""

import random

from PIL import Image, ImageDraw

from . import draw
from .draw import text


def card(t, bank):
    """Product cards of one shop: frame, logo and price banner stay, the garment differs."""
    width, height = t.choice([(720, 720), (640, 800), (700, 860)])
    tone, other = draw.vivid(t, 0.7), draw.vivid(t, 0.85)
    shop, banner, frame = (
        draw.title(t, 1, 2),
        t.choice(["bottom", "corner", "round"]),
        t.choice([0, 14, 26]),
    )
    kinds = t.sample(sorted(bank.clothing), 2)
    garments = bank.garments(t, kinds)
    names, prices = [draw.title(t, 2) for _ in range(3)], [
        f"{t.randint(5, 89)}.{t.choice(['90', '99', '00'])}" for _ in range(4)
    ]
    ground, mark_seed, plain = (
        t.choice([(255, 255, 255), (246, 246, 246), draw.mixed((255, 255, 255), tone, 0.15)]),
        t.getrandbits(30),
        t.random() < 0.5,
    )
    words = t.choice(["FREE SHIPPING", "NEW IN", "SALE", "BEST PRICE"])

    def fill(r):
        page = Image.new("RGB", (width, height), ground)
        pen = ImageDraw.Draw(page)
        area = (frame + 20, 100, width - frame - 20, height - (150 if banner == "bottom" else 90))
        wide, tall = area[2] - area[0], area[3] - area[1]
        photo = garments.draw()
        photo = draw.fit_box(photo, wide, tall) if plain else draw.fill_box(photo, wide, tall)
        page.paste(
            photo, (area[0] + (wide - photo.width) // 2, area[1] + (tall - photo.height) // 2)
        )
        draw.logo(random.Random(mark_seed), page, frame + 20, frame + 14, 64, tone)
        text(page, (frame + 100, frame + 22), shop, 40, tone, bold=1)
        price = r.choice(prices) + " EUR"
        if banner == "bottom":
            pen.rectangle((0, height - 130, width, height - 50), fill=tone)
            text(
                page,
                (width - frame - 30, height - 90),
                price,
                50,
                draw.readable(tone),
                bold=1,
                anchor="rm",
            )
            text(page, (frame + 30, height - 90), words, 30, draw.readable(tone), anchor="lm")
        elif banner == "corner":
            pen.polygon([(width - 250, 0), (width, 0), (width, 250)], fill=other)
            text(page, (width - 80, 74), price[:-4], 42, draw.readable(other), bold=1, anchor="mm")
        else:
            pen.ellipse((width - 210, height - 250, width - 30, height - 70), fill=other)
            text(
                page,
                (width - 120, height - 160),
                price[:-4],
                46,
                draw.readable(other),
                bold=1,
                anchor="mm",
            )
        text(page, (frame + 24, height - frame - 42), r.choice(names), 26, (40, 40, 40))
        if frame:
            pen.rectangle((0, 0, width - 1, height - 1), outline=tone, width=frame)
        return page

    return fill
