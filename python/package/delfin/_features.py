"""How pickled features come back."""

from ._delfin import Features


def from_bytes(data, content_hash, max_size):
    return Features.from_bytes(data, content_hash=content_hash, max_size=max_size)


def from_arrays(keypoints, descriptors, width, height, scales, scores, global_descriptor):
    return Features(
        keypoints,
        descriptors,
        width=width,
        height=height,
        scales=scales,
        scores=scores,
        global_descriptor=global_descriptor,
    )
