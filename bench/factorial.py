#!/usr/bin/env python3
"""Operation `factorial` beside GMP and Python: CPU time, equal digits.

    python3 bench/factorial.py [--repeat N] [--runs N]

GMP (PyPI's gmpy2) calculates 1,000,000! and writes its digits; Python does so for 100,000!, since
the larger one takes it minutes. Ours writes the digits and the facts about them. Ends with 1 where
a bar is missed or a digit differs.
"""

import hashlib
import pathlib
import tempfile

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
# The issue allows 5; what was reached is kept.
GMP_BAR, PYTHON_BAR = 1, 0.1


def digits_hash(n):
    with tempfile.TemporaryDirectory() as folder:
        harness.op_loop("factorial", [], params={"n": n}, out=folder)
        digits = pathlib.Path(folder, f"factorial_{n}.txt").read_bytes()
    return hashlib.sha256(digits).hexdigest()


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
    table.finish()


if __name__ == "__main__":
    main()
