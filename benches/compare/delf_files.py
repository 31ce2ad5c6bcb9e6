"""Reads .delf files without TensorFlow."""

import struct

import numpy as np


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def fields(data):
    """The fields of a message: number and value, a number or bytes."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 5:
            yield key >> 3, struct.unpack_from("<f", data, at)[0]
            at += 4
        else:
            length, at = varint(data, at)
            yield key >> 3, data[at:at + length]
            at += length


def read_delf(path):
    """Positions [n, 2] (x, y), scales, scores, descriptors [n, d]."""
    rows = []
    for _, feature in fields(path.read_bytes()):
        parts = dict(fields(feature))
        values = dict(fields(dict(fields(parts[1]))[2]))[1]
        rows.append((parts[2], parts[3], parts[4], parts[6], np.frombuffer(values, "<f4")))
    if not rows:
        return np.zeros((0, 2)), np.zeros(0), np.zeros(0), np.zeros((0, 0))
    x, y, scale, score, descriptors = zip(*rows)
    return np.stack([x, y], 1), np.array(scale), np.array(score), np.stack(descriptors)
