"""Blocks of components: their pairs, clusters, and the table of clusters."""

import numpy as np
import pyarrow as pa
import ray

from .. import _delfin
from ._pairs import is_copy, own_photos
from ._parts import by_destination, numbers, read_routes

LINKS = pa.schema([("image1", pa.uint32()), ("image2", pa.uint32()), ("evidence", pa.float64())])
CLUSTERED = pa.schema(
    [("photo", pa.uint32()), ("first", pa.uint32()), ("score", pa.float64()), ("is_representative", pa.bool_())]
)
CLUSTERS = pa.schema(
    [
        ("photo", pa.uint32()),
        ("path", pa.string()),
        ("cluster", pa.uint32()),
        ("score", pa.float64()),
        ("is_representative", pa.bool_()),
    ]
)


def links(job, name, edges_name, strongest):
    """The pairs of a part of edges that link their photos."""
    strongest = ray.get(strongest)
    with job.store.open(edges_name) as part, job.store.write(name, LINKS) as writer:
        for group in range(part.num_groups):
            columns = evidence_of(job, part, group, strongest)
            is_link = columns["evidence"] >= 1
            writer.write({key: values[is_link] for key, values in columns.items()})
        return writer.close()


def evidence_of(job, part, group, strongest):
    """The pairs of a row group and their evidence, lowered by rivals: the `strongest` pairs of all photos."""
    table = part.read(["image1", "image2", "num_inliers", "log_odds", "relation"], [group])
    image1, image2 = numbers(table, "image1"), numbers(table, "image2")
    copies, log_odds = is_copy(table), numbers(table, "log_odds").copy()
    rows = np.flatnonzero(table["relation"].is_valid().to_numpy())
    photos, *ends = own_photos(image1[rows], image2[rows])
    own = [values[photos] for values in strongest]
    log_odds[rows] = _delfin.lowered_by_rivals(own, *ends, log_odds[rows], copies[rows])
    evidence = job.block_options().evidence(log_odds, numbers(table, "num_inliers").astype(np.int64), copies)
    return {"image1": image1, "image2": image2, "evidence": evidence}


def grouped(job, name, edges_name, batches, strongest):
    """The pairs of a part of edges that touch components, in row groups by batch of components."""
    batches, strongest = ray.get(batches), ray.get(strongest)
    with job.store.open(edges_name) as part, job.store.write(name, LINKS) as writer:
        for group in range(part.num_groups):
            columns = evidence_of(job, part, group, strongest)
            first, second = batches[columns["image1"]], batches[columns["image2"]]
            rows = np.concatenate([np.flatnonzero(first >= 0), np.flatnonzero((second >= 0) & (second != first))])
            destinations = np.concatenate([first[first >= 0], second[(second >= 0) & (second != first)]])
            for destination, at in by_destination(destinations):
                at = rows[at]
                writer.write({key: values[at] for key, values in columns.items()}, destination)
        return writer.close()


def clustered(job, name, photos, routes, has_all_pairs):
    """The clusters of a batch of components."""
    table = read_routes(job.store, routes, LINKS)
    columns = [numbers(table, key) for key in LINKS.names]
    photos = photos.astype(np.uint32)
    first, score, is_representative = _delfin.block_clusters(photos, *columns, has_all_pairs)
    with job.store.write(name, CLUSTERED) as writer:
        writer.write({"photo": photos, "first": first, "score": score, "is_representative": is_representative})
        return writer.close()


def cluster_table(job, name, start, cluster, score, is_representative):
    """The clusters of consecutive photos."""
    with job.reader() as reader, job.store.write(name, CLUSTERS) as writer:
        stop = start + len(cluster)
        paths = reader.range(start, stop, "photos.parquet", ["path"])["path"]
        columns = {
            "photo": np.arange(start, stop, dtype=np.uint32),
            "path": paths,
            "cluster": cluster,
            "score": score,
            "is_representative": is_representative,
        }
        writer.write(columns)
        return writer.close()
