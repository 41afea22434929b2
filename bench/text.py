#!/usr/bin/env python3
"""Operation `text` beside PyPI's vaderSentiment 3.3.2 over sentences: CPU time, equal scores.

    python3 bench/text.py [--samples DIR] [--binary PATH] [--repeat N]

DIR holds `text/` (default: $WINDLASS_SAMPLES), whose files are cut into sentences; PATH is the
built `op-loop` of package windlass-bench. vaderSentiment is what this Python has, else out of a
virtual environment under the system's folder for temporary files. Ends with 1 where a bar is missed
or a score differs.

Time: vaderSentiment rates all sentences of the files, which it gets in memory; ours runs the whole
operation over the same files, all other figures and the writing included. (Given a whole file, the
original's time grows with the square of its length.) Scores: those of single sentences must be
equal, each run as a file of its own. CPU is user + system time of a warmed process.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import venv

PEER = "vaderSentiment==3.3.2"
BAR = 5.0
COMPARED_COUNT = 4000


def vader_process(repeat, sentences):
    """Prints one JSON line: CPU seconds of a repeat, and the scores."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    analyzer = SentimentIntensityAnalyzer()
    scores = [analyzer.polarity_scores(sentence) for sentence in sentences]
    start = os.times()
    for _ in range(repeat):
        for sentence in sentences:
            analyzer.polarity_scores(sentence)
    end = os.times()
    cpu_s = (end.user - start.user + end.system - start.system) / repeat
    print(json.dumps({"cpu_s": cpu_s, "scores": scores}))


def python_with_peer():
    probe = [sys.executable, "-c", "import vaderSentiment"]
    if subprocess.run(probe, stderr=subprocess.DEVNULL, check=False).returncode == 0:
        return sys.executable
    folder = pathlib.Path(tempfile.gettempdir()) / "windlass-bench-text"
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", PEER], check=True)
    return str(python)


def sentences_of(files):
    sentences = []
    for path in files:
        text = pathlib.Path(path).read_text(encoding="utf-8", errors="replace")
        sentences += [sentence for sentence in re.split(r"(?<=[.!?])\s+", text) if sentence.strip()]
    return sentences


def op_loop(binary, *arguments):
    done = subprocess.run([binary, "text", *arguments], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def default_binary():
    target = os.environ.get("CARGO_TARGET_DIR", pathlib.Path(__file__).parent.parent / "target")
    return str(pathlib.Path(target) / "release" / "op-loop")


def our_cpu_s(binary, repeat, files):
    """CPU seconds of a repeat: the difference of two runs, without starting and warming."""
    def cpu_s(times):
        return op_loop(binary, "--repeat", str(times), *files)["cpu_s"]
    return (cpu_s(repeat + 1) - cpu_s(1)) / repeat


def our_scores(binary, sentences):
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "out"
        out.mkdir()
        files = [pathlib.Path(folder) / f"{index}.txt" for index in range(len(sentences))]
        for path, sentence in zip(files, sentences):
            path.write_text(sentence, encoding="utf-8", newline="")
        op_loop(binary, "--out", str(out), *map(str, files))
        results = [json.loads((out / f"{path.stem}_analysis.json").read_bytes()) for path in files]
    return [result["vader"] for result in results]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", default=os.environ.get("WINDLASS_SAMPLES"))
    parser.add_argument("--binary", default=default_binary())
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        return vader_process(options.repeat, json.load(sys.stdin))
    if not options.samples:
        parser.error("--samples DIR or $WINDLASS_SAMPLES is needed")
    files = sorted(str(path) for path in (pathlib.Path(options.samples) / "text").rglob("*.txt"))
    if not files:
        parser.error(f"no .txt files under {options.samples}/text")
    sentences = sentences_of(files)
    command = [python_with_peer(), __file__, "--peer", "--repeat", str(options.repeat)]
    done = subprocess.run(
        command, input=json.dumps(sentences).encode(), stdout=subprocess.PIPE, check=True
    )
    peer = json.loads(done.stdout.splitlines()[-1])
    cpu_s = our_cpu_s(options.binary, options.repeat, files)
    ratio = peer["cpu_s"] / cpu_s
    step = max(1, len(sentences) // COMPARED_COUNT)
    scores = our_scores(options.binary, sentences[::step])
    equal = sum(ours == theirs for ours, theirs in zip(scores, peer["scores"][::step]))
    holds = ratio >= BAR and equal == len(scores)
    print(
        f"{len(sentences)} sentences: vaderSentiment {peer['cpu_s']:.3f} s,"
        f" ours with all other figures {cpu_s:.3f} s: {ratio:.1f}x  >= {BAR:g}  {equal} of {len(scores)} scores equal"
        f"  {'ok' if holds else 'MISSED'}"
    )
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
