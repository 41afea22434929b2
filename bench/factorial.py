#!/usr/bin/env python3
"""Operation `factorial` beside GMP and Python: CPU time, equal digits; and over two workers.

    python3 bench/factorial.py [--repeat N] [--runs N]

GMP (PyPI's gmpy2) calculates 1,000,000! and writes its digits; Python does so for 100,000!, since
the larger one takes it minutes. Ours writes the digits and the facts about them. Then 1,000,000!
by `windlass run` from start to end on one worker and on two, by the clock; of several runs the
shortest counts, because whatever else the machine does only makes them longer. Ends with 1 where a
bar is missed or a digit differs.
"""

import hashlib
import pathlib
import subprocess
import tempfile
import time

import harness

GMP_N, PYTHON_N = 1_000_000, 100_000
GMP = """
import gmpy2, hashlib
def once():
    digits = gmpy2.fac({n}).digits()
    return hashlib.sha256(digits.encode() + b"\\n").hexdigest()
"""
PYTHON = """
import hashlib, math
sys.set_int_max_str_digits(0)
def once():
    digits = str(math.factorial({n}))
    return hashlib.sha256(digits.encode() + b"\\n").hexdigest()
"""
# What was reached is kept.
GMP_BAR, PYTHON_BAR = 1, 0.1
WORKERS_BAR = 1.5


def digits_hash(n):
    with tempfile.TemporaryDirectory() as folder:
        harness.op_loop("factorial", [], params={"n": n}, out=folder)
        digits = pathlib.Path(folder, f"factorial_{n}.txt").read_bytes()
    return hashlib.sha256(digits).hexdigest()


def run_on(workers):
    """Seconds by the clock, and the hash of the digits."""
    with tempfile.TemporaryDirectory() as folder:
        command = [harness.release_folder() / "windlass", "run", "--op", "factorial",
                   "--param", f"n={GMP_N}", "--workers", str(workers),
                   "--state", f"{folder}/state", "--out", f"{folder}/out"]
        start = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        wall_s = time.perf_counter() - start
        digits = pathlib.Path(folder, f"out/factorial/factorial_{GMP_N}.txt").read_bytes()
    return {"wall_s": wall_s, "hash": hashlib.sha256(digits).hexdigest()}


def main():
    options = harness.parser(__doc__.splitlines()[0]).parse_args()
    table = harness.Table()
    for name, snippet, n, bar in [("GMP", GMP, GMP_N, GMP_BAR),
                                  ("Python", PYTHON, PYTHON_N, PYTHON_BAR)]:
        answers = harness.interleaved(options.runs, {
            "ours": lambda: harness.op_loop("factorial", [], options.repeat, params={"n": n}),
            "peer": lambda: harness.peer(snippet.format(n=n), [], options.repeat),
        })
        ours, peer = map(harness.median_cpu_s, answers.values())
        table.row(f"{n}!: ours, CPU", ours, unit="s")
        table.row(f"{n}!: {name}, CPU", peer, unit="s")
        table.row(f"{n}!: ours / {name}, CPU", ours / peer, "<=", bar)
        is_equal = digits_hash(n) == answers["peer"][0]["answer"]
        table.row(f"{n}!: same digits", int(is_equal), ">=", 1)
    answers = harness.interleaved(options.runs * 2, {
        "one": lambda: run_on(1),
        "two": lambda: run_on(2),
    })
    one, two = (min(answer["wall_s"] for answer in side) for side in answers.values())
    table.row(f"{GMP_N}!: run on one worker, wall", one, unit="s")
    table.row(f"{GMP_N}!: run on two workers, wall", two, unit="s")
    table.row(f"{GMP_N}!: two workers are faster by", one / two, ">=", WORKERS_BAR)
    hashes = {answer["hash"] for side in answers.values() for answer in side}
    is_equal = hashes == {digits_hash(GMP_N)}
    table.row(f"{GMP_N}!: same digits on both", int(is_equal), ">=", 1)
    table.finish()


if __name__ == "__main__":
    main()
