"""NumPy, SciPy, scikit-learn and PyKeOps: takes orders from the driver, as the Rust peers do (driver/src/peer.rs).

    prepare WORK SHAPE     offers|NAME|NAME …
    sample NAME            values …
    time NAME              ms …

Answers go to the standard output that the process was started with, each after "peers: ". What libraries print goes to
standard error.
"""

import os
import sys
import time

answers = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)

import numpy as np  # noqa: E402
import scipy.fft  # noqa: E402
import scipy.signal  # noqa: E402
import scipy.spatial  # noqa: E402
import sklearn  # noqa: E402
import sklearn.metrics.pairwise  # noqa: E402
import sklearn.neighbors  # noqa: E402

try:
    import pykeops
    import pykeops.numpy
except Exception as error:  # it compiles C++ when it is imported, and raises what the compiler makes it raise
    pykeops = None
    print(f"PyKeOps is left out: {error}", file=sys.stderr)

NEIGHBOURS = 10
ROUND, CALLS = 0.030, 15
# Rows of the matrix that are in memory at a time where a library would store all of it.
BLOCK = 1024
WORKERS = os.cpu_count()


def numbers(seed, count):
    """Numbers in -1 ... 1 that are the same everywhere (SplitMix64, its upper 24 bits); driver/src/task.rs has them too."""
    bits = (np.arange(count, dtype=np.uint64) + np.uint64(seed << 32)) * np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    bits ^= bits >> np.uint64(31)
    return (bits >> np.uint64(40)).astype(np.float32) / np.float32(8388608) - np.float32(1)


def norm_trick(x, y):
    """Squared distances as ‖x‖² + ‖y‖² − 2x·y, in place as far as NumPy can."""
    out = x @ y.T
    out *= -2
    out += np.einsum("ij,ij->i", x, x)[:, None]
    out += np.einsum("ij,ij->i", y, y)
    return np.maximum(out, 0, out=out)


def blocks(x):
    return (x[start : start + BLOCK] for start in range(0, len(x), BLOCK))


def gemm(m, k, n):
    a, b = numbers(1, m * k).reshape(m, k), numbers(2, k * n).reshape(k, n)
    return {"numpy": lambda: a @ b}


def points(n, m, d):
    return numbers(1, n * d).reshape(n, d), numbers(2, m * d).reshape(m, d)


def sqeuclidean(n, m, d):
    x, y = points(n, m, d)
    return {
        "numpy": lambda: norm_trick(x, y),
        "scipy": lambda: scipy.spatial.distance.cdist(x, y, "sqeuclidean"),
        "scikit-learn": lambda: sklearn.metrics.pairwise.euclidean_distances(x, y, squared=True),
    }


def euclidean(n, m, d):
    x, y = points(n, m, d)

    def root():
        out = norm_trick(x, y)
        return np.sqrt(out, out=out)

    return {
        "numpy": root,
        "scipy": lambda: scipy.spatial.distance.cdist(x, y, "euclidean"),
        "scikit-learn": lambda: sklearn.metrics.pairwise.euclidean_distances(x, y),
    }


def gaussian_matvec(n, m, d):
    x, y = points(n, m, d)
    v = numbers(3, m)
    gamma = np.float32(1 / d)

    def block(rows):
        out = norm_trick(rows, y)
        out *= -gamma
        return np.exp(out, out=out) @ v

    def kernel(rows):
        return sklearn.metrics.pairwise.rbf_kernel(rows, y, gamma) @ v

    offers = {
        "numpy": lambda: np.concatenate([block(rows) for rows in blocks(x)]),
        "scikit-learn": lambda: np.concatenate([kernel(rows) for rows in blocks(x)]),
    }
    if pykeops:
        # The formula is written once; what is timed is the reduction.
        reduction = pykeops.numpy.Genred(
            "Exp(-G * SqDist(X, Y)) * V", [f"X = Vi({d})", f"Y = Vj({d})", "V = Vj(1)", "G = Pm(1)"], "Sum", axis=1
        )
        column, parameter = np.ascontiguousarray(v[:, None]), np.array([gamma])
        offers["pykeops"] = lambda: reduction(x, y, column, parameter, backend="CPU")
    return offers


def argkmin(n, m, d):
    x, y = points(n, m, d)

    def block(rows):
        distances = norm_trick(rows, y)
        nearest = np.argpartition(distances, NEIGHBOURS - 1, axis=1)[:, :NEIGHBOURS]
        order = np.argsort(np.take_along_axis(distances, nearest, 1), axis=1)
        return np.take_along_axis(nearest, order, 1)

    def searcher(algorithm):
        # Building the tree is part of the work: the others begin with bare rows too.
        def search():
            search = sklearn.neighbors.NearestNeighbors(n_neighbors=NEIGHBOURS, algorithm=algorithm, n_jobs=WORKERS)
            return search.fit(y).kneighbors(x, return_distance=False)

        return search

    offers = {
        "numpy": lambda: np.concatenate([block(rows) for rows in blocks(x)]),
        "scikit-learn": searcher("brute"),
    }
    if d <= 8:
        offers["scikit-learn kd-tree"] = searcher("kd_tree")
        offers["scipy kd-tree"] = lambda: scipy.spatial.cKDTree(y).query(x, NEIGHBOURS, workers=WORKERS)[1]
    if pykeops:
        reduction = pykeops.numpy.Genred(
            "SqDist(X, Y)", [f"X = Vi({d})", f"Y = Vj({d})"], "ArgKMin", axis=1, opt_arg=NEIGHBOURS
        )
        offers["pykeops"] = lambda: reduction(x, y, backend="CPU")
    return offers


def fft(rows, length):
    values = numbers(1, rows * length * 2).view(np.complex64).reshape(rows, length)
    return {
        "numpy": lambda: np.fft.fft(values),
        "scipy": lambda: scipy.fft.fft(values, workers=WORKERS),
    }


def fft2(rows, columns):
    values = numbers(1, rows * columns * 2).view(np.complex64).reshape(rows, columns)
    return {
        "numpy": lambda: np.fft.fft2(values),
        "scipy": lambda: scipy.fft.fft2(values, workers=WORKERS),
    }


def circular(rows, length):
    x, h = points(rows, rows, length)

    def scipy_on_all_cores():
        spectra = scipy.fft.rfft(x, workers=WORKERS)
        spectra *= scipy.fft.rfft(h, workers=WORKERS)
        return scipy.fft.irfft(spectra, length, workers=WORKERS)

    return {
        "numpy": lambda: np.fft.irfft(np.fft.rfft(x) * np.fft.rfft(h), length),
        "scipy": scipy_on_all_cores,
    }


def fftconvolve(rows, length, taps):
    x, h = numbers(1, rows * length).reshape(rows, length), numbers(2, taps).reshape(1, taps)

    def on_all_cores(convolve):
        def run():
            with scipy.fft.set_workers(WORKERS):
                return convolve(x, h, axes=1)

        return run

    return {
        "scipy": on_all_cores(scipy.signal.fftconvolve),
        "scipy oaconvolve": on_all_cores(scipy.signal.oaconvolve),
    }


WORKS = {
    "gemm": gemm,
    "sqeuclidean": sqeuclidean,
    "euclidean": euclidean,
    "gaussian_matvec": gaussian_matvec,
    "argkmin": argkmin,
    "fft": fft,
    "fft2": fft2,
    "circular": circular,
    "fftconvolve": fftconvolve,
}


def timed(run):
    begin, calls = time.perf_counter(), []
    while not calls or (time.perf_counter() - begin < ROUND and len(calls) < CALLS):
        start = time.perf_counter()
        run()
        calls.append(time.perf_counter() - start)
    return sorted(calls)[len(calls) // 2] * 1e3


def probes(work, shape):
    """The entries of the flat result that are looked at, as Task::probes has them."""
    spread = [((2 * i + 1) * shape[0] // 16, i * 7919) for i in range(8)]
    if work == "gemm":
        return [row * shape[2] + column % shape[2] for row, column in spread]
    if work in ("sqeuclidean", "euclidean"):
        return [row * shape[1] + column % shape[1] for row, column in spread]
    if work == "argkmin":
        return [row * NEIGHBOURS + rank for row, _ in spread for rank in range(NEIGHBOURS)]
    if work == "circular":
        return [row * shape[1] + at % shape[1] for row, at in spread]
    if work == "fftconvolve":
        length = shape[1] + shape[2] - 1
        return [row * length + at % length for row, at in spread]
    if work in ("fft", "fft2"):
        return [(row * shape[1] + bin % shape[1]) * 2 + part for row, bin in spread for part in (0, 1)]
    return [row for row, _ in spread]


def sample(work, shape, run):
    result = np.ascontiguousarray(run())
    if result.dtype.kind == "c":
        result = result.view(result.real.dtype)
    flat = result.ravel()
    return " ".join(repr(float(np.float32(flat[probe]))) for probe in probes(work, shape))


def main():
    versions = f"NumPy {np.__version__}; SciPy {scipy.__version__}; scikit-learn {sklearn.__version__}"
    if pykeops:
        versions += f"; PyKeOps {pykeops.__version__}"
    print(f"peers: ready {versions}; Python {sys.version.split()[0]}", file=answers)
    work, shape, offers = None, None, {}
    for line in sys.stdin:
        order, _, rest = line.strip().partition(" ")
        try:
            if order == "prepare":
                offers = {}  # the last task's memory goes first
                work, _, text = rest.partition(" ")
                shape = [int(part) for part in text.split("x")]
                offers = WORKS[work](*shape) if work in WORKS else {}
                answer = "|".join(["offers", *offers])
            elif order == "sample":
                answer = "values " + sample(work, shape, offers[rest])
            elif order == "time":
                answer = f"ms {timed(offers[rest])}"
            else:
                answer = f"failed unknown order {order}"
        except Exception as error:
            answer = "failed " + f"{type(error).__name__}: {error}".replace("\n", " ")
        print(f"peers: {answer}", file=answers)


if __name__ == "__main__":
    main()
