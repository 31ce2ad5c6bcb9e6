"""Robust geometry beside peers: OpenCV USAC, pydegensac, PoseLib, on the same planted matches.

    python benches/compare/geometry.py [--cases N] [--program FILE] [--budgets N N ..]

Needs numpy, opencv-python-headless, pydegensac and poselib. Builds and calls the bench
`geometry_cases` through cargo, or the already built --program.

Every case is a random view change of a photo of 640 x 480 pixels and a list of matches of which a
part follows it with normal noise; the others land anywhere. A method succeeds when the corners of
photo 1 land, on average, within the limit of where they belong. Every method gets the same error
limit, confidence 0.999, at least 50 samples, one thread, and each budget of samples in turn. Times
are those of the call, the fastest of three, median over the cases.

"random order" leaves the order of the matches without meaning; "by quality" sorts them by a number
whose mean is one standard deviation higher for the right ones, as descriptor distances do, for the
methods that read the order. At the end the script counts the rows of peers for which delfin has a
row with at least their success in at most their time.
"""

import argparse
import json
import subprocess
import tempfile
import time

import cv2
import numpy as np
import poselib
import pydegensac

WIDTH, HEIGHT = 640, 480
CORNERS = np.array([[0, 0], [WIDTH, 0], [WIDTH, HEIGHT], [0, HEIGHT]], float)
CONFIDENCE = 0.999
# name, kind, matches, noise in pixels, error limit in pixels, success limit in pixels
SCENES = [
    ("refined", "homography", 500, 0.3, 3.0, 3.0),
    ("coarse", "homography", 200, 5.0, 20.0, 20.0),
    ("refined", "affine", 500, 0.3, 3.0, 3.0),
    ("coarse", "affine", 200, 5.0, 20.0, 20.0),
]


def project(matrix, points):
    image = np.c_[points, np.ones(len(points))] @ matrix.T
    return image[:, :2] / image[:, 2:]


def random_transform(rng, kind):
    """Scale 0.6 to 1.6, any rotation, stretch up to 2; with perspective for a homography."""
    turn = lambda angle: np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    stretch = np.exp(rng.uniform(0, np.log(2)) / 2)
    along, rotation = rng.uniform(0, np.pi, 2)
    scale = np.exp(rng.uniform(np.log(0.6), np.log(1.6)))
    matrix = np.eye(3)
    squeeze = turn(along) @ np.diag([stretch, 1 / stretch]) @ turn(-along)
    matrix[:2, :2] = scale * turn(2 * rotation) @ squeeze
    if kind == "homography":
        matrix = matrix @ np.array([[1, 0, 0], [0, 1, 0], [*rng.uniform(-8e-4, 8e-4, 2), 1]])
    to_center = np.array([[1, 0, -WIDTH / 2], [0, 1, -HEIGHT / 2], [0, 0, 1]])
    shift = np.array([*rng.uniform(-100, 100, 2)])
    from_center = np.array([[1, 0, WIDTH / 2 + shift[0]], [0, 1, HEIGHT / 2 + shift[1]], [0, 0, 1]])
    matrix = from_center @ matrix @ to_center
    return matrix / matrix[2, 2]


def make_case(rng, kind, count, outliers, noise, by_quality):
    matrix = random_transform(rng, kind)
    from_points = rng.uniform([0, 0], [WIDTH, HEIGHT], (count, 2))
    to_points = project(matrix, from_points) + rng.normal(0, noise, (count, 2))
    is_inlier = np.arange(count) >= round(count * outliers)
    low, high = to_points.min(0), to_points.max(0)
    to_points[~is_inlier] = rng.uniform(low, high, (count, 2))[~is_inlier]
    quality = rng.normal(0, 1, count) + (is_inlier if by_quality else 0)
    order = np.argsort(-quality)
    return matrix, from_points[order], to_points[order]


def usac(flag):
    def run(kind, p, q, limit, trials):
        if kind == "homography":
            return cv2.findHomography(p, q, flag, limit, None, trials, CONFIDENCE)[0]
        matrix = cv2.estimateAffine2D(
            p, q, method=flag, ransacReprojThreshold=limit, maxIters=trials, confidence=CONFIDENCE
        )[0]
        return None if matrix is None else np.vstack([matrix, [0, 0, 1]])

    return run


def run_pydegensac(kind, p, q, limit, trials):
    return pydegensac.findHomography(p, q, limit, CONFIDENCE, trials, seed=1)[0]


def run_poselib(progressive):
    def run(kind, p, q, limit, trials):
        options = {
            "max_reproj_error": limit,
            "max_iterations": trials,
            "min_iterations": min(50, trials),
            "success_prob": CONFIDENCE,
            "progressive_sampling": progressive,
        }
        return poselib.estimate_homography(p, q, options, {})[0]

    return run


PEERS = {
    ("homography", False): {
        "OpenCV USAC_MAGSAC": usac(cv2.USAC_MAGSAC),
        "pydegensac": run_pydegensac,
        "PoseLib": run_poselib(False),
    },
    ("homography", True): {
        "OpenCV USAC_PROSAC": usac(cv2.USAC_PROSAC),
        "PoseLib PROSAC": run_poselib(True),
    },
    ("affine", False): {
        "OpenCV USAC_MAGSAC": usac(cv2.USAC_MAGSAC),
        "OpenCV RANSAC": usac(cv2.RANSAC),
    },
    ("affine", True): {"OpenCV USAC_PROSAC": usac(cv2.USAC_PROSAC)},
}


def timed(call, repeats):
    fastest = np.inf
    for _ in range(repeats):
        start = time.perf_counter()
        try:
            matrix = call()
        except Exception:  # a peer that gives up has failed the case
            matrix = None
        fastest = min(fastest, time.perf_counter() - start)
    return matrix, fastest


def corner_error(found, truth):
    if found is None or not np.isfinite(found).all():
        return np.inf
    with np.errstate(all="ignore"):
        error = np.linalg.norm(project(found, CORNERS) - project(truth, CORNERS), axis=1).mean()
    return error if np.isfinite(error) else np.inf


def run_delfin(program, cases, kind, limit, budgets, repeats):
    runs = [
        {"kind": kind, "max_error_px": limit, "max_trials": n, "confidence": CONFIDENCE}
        for n in budgets
    ]
    rows = [np.c_[p, q].tolist() for _, p, q in cases]
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"cases": rows, "runs": runs, "repeats": repeats}, file)
        file.flush()
        command = program or ["cargo", "bench", "--quiet", "--bench", "geometry_cases", "--"]
        lines = subprocess.run(
            [*command, file.name], check=True, capture_output=True, text=True
        ).stdout.splitlines()
    errors = np.full((len(budgets), len(cases)), np.inf)
    seconds = np.zeros_like(errors)
    for line in lines:
        found = json.loads(line)
        model = found["model"] and np.array(found["model"]).reshape(3, 3)
        at = found["run"], found["case"]
        errors[at] = corner_error(model, cases[found["case"]][0])
        seconds[at] = found["seconds"]
    return errors, seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--program", help="the built bench geometry_cases")
    parser.add_argument("--budgets", type=int, nargs="+", default=[300, 1000, 5000, 20000, 100000])
    parser.add_argument("--outliers", type=int, nargs="+", default=[50, 80, 95])
    parser.add_argument("--only", help="scene and kind, as refined-affine")
    parser.add_argument("--no-peers", action="store_true")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    program = [options.program] if options.program else None
    ahead = compared = 0
    for name, kind, count, noise, limit, success_px in SCENES:
        if options.only and options.only != f"{name}-{kind}":
            continue
        for by_quality in (False, True):
            for outliers in options.outliers:
                rng = np.random.default_rng([len(name), len(kind), outliers, by_quality])
                cases = [
                    make_case(rng, kind, count, outliers / 100, noise, by_quality)
                    for _ in range(options.cases)
                ]
                order = "by quality" if by_quality else "random order"
                print(f"\n{kind}, {name}: {count} matches, {outliers} % outliers, noise {noise} px,")
                print(f"limit {limit:g} px, {order}; success: corners within {success_px:g} px")
                print(f"{'':20}" + "".join(f"{n:>18}" for n in options.budgets) + "  samples")
                table = {}
                errors, seconds = run_delfin(
                    program, cases, kind, limit, options.budgets, options.repeats
                )
                table["delfin"] = (errors, seconds)
                peers = {} if options.no_peers else PEERS[kind, by_quality]
                for peer, call in peers.items():
                    errors = np.zeros((len(options.budgets), len(cases)))
                    seconds = np.zeros_like(errors)
                    for row, budget in enumerate(options.budgets):
                        for column, (truth, p, q) in enumerate(cases):
                            found, seconds[row, column] = timed(
                                lambda: call(kind, p, q, limit, budget), options.repeats
                            )
                            errors[row, column] = corner_error(found, truth)
                    table[peer] = (errors, seconds)
                for method, (errors, seconds) in table.items():
                    success = (errors < success_px).mean(1) * 100
                    times = np.median(seconds, 1) * 1e3
                    cells = "".join(f"{s:8.0f}% {t:6.2f} ms" for s, t in zip(success, times))
                    print(f"{method:20}{cells}")
                    ours = table["delfin"]
                    our_success = (ours[0] < success_px).mean(1) * 100
                    our_times = np.median(ours[1], 1) * 1e3
                    if method != "delfin":
                        for s, t in zip(success, times):
                            compared += 1
                            ahead += any((our_success >= s) & (our_times <= t))
                precise = np.median(table["delfin"][0][-1])
                others = [f"{m} {np.median(e[-1]):.2f}" for m, (e, _) in table.items() if m != "delfin"]
                print(f"median corner error, last column: delfin {precise:.2f}; {'; '.join(others)}")
    if compared:
        print(f"\nat least a peer's success in at most its time: {ahead} of {compared} rows")


if __name__ == "__main__":
    main()
