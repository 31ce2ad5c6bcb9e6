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


def links(job, name, edges_name, counts):
    """The pairs of a part of edges that link their photos."""
    counts = ray.get(counts)
    with job.store.open(edges_name) as part, job.store.write(name, LINKS) as writer:
        for group in range(part.num_groups):
            columns = evidence_of(job, part, group, counts)
            is_link = columns["evidence"] >= 1
            writer.write({key: values[is_link] for key, values in columns.items()})
        return writer.close()


class Counts:
    """What pairs count as: the `strongest` pairs of all photos, and the `balance` of links; none for first clusters."""

    def __init__(self, strongest, balance=None):
        self.strongest = strongest
        self.balance = balance


def with_links(balance, photos, ends, log_odds):
    """The log-odds of pairs whose pixels were compared, and what links add; `ends` are places in `photos`."""
    of_photos, ratio = balance
    return _delfin.with_links([values[photos] for values in of_photos], ratio, *ends, log_odds)


def evidence_of(job, part, group, counts):
    """The pairs of a row group and their evidence."""
    table = part.read(["image1", "image2", "num_inliers", "log_odds", "relation"], [group])
    image1, image2 = numbers(table, "image1"), numbers(table, "image2")
    copies, log_odds = is_copy(table), numbers(table, "log_odds").copy()
    rows = np.flatnonzero(table["relation"].is_valid().to_numpy())
    photos, *ends = own_photos(image1[rows], image2[rows])
    compared = log_odds[rows]
    is_first = counts.balance is None
    if not is_first:
        compared = with_links(counts.balance, photos, ends, compared)
    own = [values[photos] for values in counts.strongest]
    log_odds[rows] = _delfin.lowered_by_rivals(own, *ends, compared, copies[rows])
    num_inliers = numbers(table, "num_inliers").astype(np.int64)
    evidence = job.block_options().evidence(log_odds, num_inliers, copies, is_first)
    return {"image1": image1, "image2": image2, "evidence": evidence}


def links_of(store, edge_parts, options, clusters):
    """The balance of links: of all pairs that may link, in these first clusters."""
    crossing = _delfin.CrossingLinks(clusters)
    for image1, image2, log_odds, _, _ in able_pairs(store, edge_parts, options):
        is_link = log_odds > 0
        crossing.add(image1[is_link], image2[is_link])
    return crossing.balance()


def strongest_of(store, edge_parts, options, balance, num_photos):
    """Of each photo the log-odds of its strongest pairs, of those with pixel evidence that may link."""
    rivals = _delfin.Rivals(num_photos)
    for *pairs, is_compared, copies in able_pairs(store, edge_parts, options):
        image1, image2, log_odds = (values[is_compared] for values in pairs)
        photos, *ends = own_photos(image1, image2)
        rivals.add(image1, image2, with_links(balance, photos, ends, log_odds), copies[is_compared])
    return rivals.strongest(0.0)


def able_pairs(store, edge_parts, options):
    """The pairs that may link, a row group at a time."""
    for name in edge_parts:
        with store.open(name) as part:
            for group in range(part.num_groups):
                table = part.read(["image1", "image2", "num_inliers", "log_odds", "relation"], [group])
                copies = is_copy(table)
                able = options.may_link(numbers(table, "num_inliers"), copies)
                is_compared = table["relation"].is_valid().to_numpy()
                columns = [numbers(table, key) for key in ("image1", "image2", "log_odds")]
                yield [values[able] for values in (*columns, is_compared, copies)]


def grouped(job, name, edges_name, batches, counts):
    """The pairs of a part of edges that touch components, in row groups by batch of components."""
    batches, counts = ray.get(batches), ray.get(counts)
    with job.store.open(edges_name) as part, job.store.write(name, LINKS) as writer:
        for group in range(part.num_groups):
            columns = evidence_of(job, part, group, counts)
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
