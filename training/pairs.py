"""Training pairs: two views of one photo, related by a known homography.

View 1 is a randomly placed, turned and scaled square of the photo. View 2 sees it through
another turn, scale, shift and perspective. Each view has its own colours, blur, noise and
JPEG damage.
"""

import cv2
import numpy as np


def square_to_photo(generator, shape, side, zoom, angle):
    """Similarity from a `side` x `side` view to a photo of `shape`, its centre inside."""
    height, width = shape[:2]
    reach = 0.5 * side * zoom
    centre = [generator.uniform(min(reach, s / 2), max(s - reach, s / 2)) for s in (width, height)]
    c, s = np.cos(angle) * zoom, np.sin(angle) * zoom
    half = (side - 1) / 2
    turn = np.array([[c, -s], [s, c]])
    move = np.array(centre) - turn @ [half, half]
    return np.array([[c, -s, move[0]], [s, c, move[1]], [0, 0, 1]])


def perspective(generator, side, strength):
    """Homography that moves the corners of the view by up to `strength` of its side."""
    corners = np.float32([[0, 0], [side, 0], [side, side], [0, side]])
    moved = corners + generator.uniform(-1, 1, (4, 2)) * strength * side
    return cv2.getPerspectiveTransform(corners, moved.astype(np.float32)).astype(np.float64)


def photometric(generator, image, strength):
    """Colour gains, contrast, gamma, blur, noise, JPEG; each drawn at random."""
    x = image.astype(np.float32)
    x *= np.exp(generator.normal(0, 0.08 * strength, 3)).astype(np.float32)
    contrast = np.exp(generator.normal(0, 0.2 * strength))
    x = (x - 128) * contrast + 128 + generator.normal(0, 15 * strength)
    x = 255 * (np.clip(x, 0, 255) / 255) ** np.exp(generator.normal(0, 0.25 * strength))
    if generator.random() < 0.1 * strength:
        x[:] = x.mean(axis=2, keepdims=True)
    if generator.random() < 0.3 * strength:
        x = cv2.GaussianBlur(x, (0, 0), generator.uniform(0.5, 2.5))
    if generator.random() < 0.3 * strength:
        x = x + generator.normal(0, generator.uniform(2, 10), x.shape).astype(np.float32)
    x = np.clip(x, 0, 255).astype(np.uint8)
    if generator.random() < 0.3 * strength:
        quality = int(generator.uniform(30, 90))
        _, data = cv2.imencode(".jpg", x, [cv2.IMWRITE_JPEG_QUALITY, quality])
        x = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return x


def draw_pair(generator, photo, options):
    """Two [side, side, 3] uint8 views and the 3x3 homography from view 1 to view 2."""
    side = options["side"]
    fit = min(photo.shape[:2]) / side
    log_zoom = np.log(options["zoom"])
    zoom1 = fit * np.exp(generator.uniform(-log_zoom, 0))
    zoom2 = zoom1 * np.exp(generator.uniform(-1, 1) * np.log(options["scale_ratio"]))
    small = np.deg2rad(options["small_rotation_deg"])
    first_angle = generator.normal(0, 0.1)
    turn = generator.uniform(-np.pi, np.pi)
    if generator.random() >= options["full_rotation_share"]:
        turn = generator.uniform(-small, small)
    first = square_to_photo(generator, photo.shape, side, zoom1, first_angle)
    middle = first @ [side / 2, side / 2, 1]
    second = square_to_photo(generator, photo.shape, side, zoom2, first_angle + turn)
    shift = options["shift"] * side * zoom1 * generator.uniform(-1, 1, 2)
    centre = second @ [side / 2, side / 2, 1]
    second[:2, 2] += middle[:2] + shift - centre[:2]
    second = second @ perspective(generator, side, options["perspective"])
    views = []
    for view_to_photo in (first, second):
        view = cv2.warpPerspective(
            photo, view_to_photo, (side, side), borderMode=cv2.BORDER_REFLECT_101,
            flags=(cv2.INTER_AREA if zoom1 > 1.5 else cv2.INTER_LINEAR) | cv2.WARP_INVERSE_MAP,
        )
        views.append(photometric(generator, view, options["photometric"]))
    homography = np.linalg.inv(second) @ first
    return views[0], views[1], homography / homography[2, 2]
