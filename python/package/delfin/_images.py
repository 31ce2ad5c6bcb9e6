"""Images of Pillow, without naming it where nobody has imported it."""

import sys

import numpy as np


def pixels_of_pil(image):
    """Upright RGB as H x W x 3, uint8, transparent pixels over white; None for anything but a PIL image.

    Colour profiles are not applied; a photo that is given as its path has them applied.
    """
    pil = sys.modules.get("PIL.Image")
    if pil is None or not isinstance(image, pil.Image):
        return None
    from PIL import ImageOps

    image = ImageOps.exif_transpose(image)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = pil.new("RGBA", image.size, "white")
        image = pil.alpha_composite(white, image)
    if image.mode.startswith("I;16"):
        return np.asarray(np.asarray(image) // 257, dtype=np.uint8)
    return np.asarray(image.convert("RGB"))
