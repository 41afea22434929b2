#!/usr/bin/env python3
"""Operation `audio` beside soundfile with librosa: CPU, memory, agreement; loudness beside ffmpeg.

    python3 bench/audio.py [--samples DIR] [--repeat N] [--runs N] [--minutes N]

Both sides read a file and work out the same figures for each channel and the mono mix: RMS, peak,
zero crossings, spectral centroid, bandwidth, roll-off and flatness, 13 MFCC. librosa works them out
of one spectrum a channel. Ours adds loudness, true peak and more, which no peer is charged with.
"""

import json
import pathlib
import tempfile
import wave

import harness

LIBROSA = """
import librosa, numpy, soundfile
feature = librosa.feature
def figures(y, rate):
    spectrum = numpy.abs(librosa.stft(y))
    power = spectrum ** 2
    mel = feature.melspectrogram(S=power, sr=rate)
    return {
        "rms": float(numpy.sqrt(numpy.mean(numpy.square(y, dtype=numpy.float64)))),
        "peak": float(numpy.abs(y).max()),
        "zero_crossings": int(librosa.zero_crossings(y, pad=False).sum()),
        "spectral_centroid_hz": float(feature.spectral_centroid(S=spectrum, sr=rate).mean()),
        "spectral_bandwidth_hz": float(feature.spectral_bandwidth(S=spectrum, sr=rate).mean()),
        "spectral_rolloff_hz": float(feature.spectral_rolloff(S=spectrum, sr=rate).mean()),
        "spectral_flatness": float(feature.spectral_flatness(S=spectrum).mean()),
        "mfcc_means": feature.mfcc(
            S=librosa.power_to_db(mel), n_mfcc=13).mean(axis=1, dtype=numpy.float64).tolist(),
    }
def of(path):
    y, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = figures(librosa.to_mono(y.T), rate)
    planes = [numpy.ascontiguousarray(plane) for plane in y.T]
    channels = [figures(plane, rate) for plane in planes] if len(planes) > 1 else [mono]
    return {"mono": mono, "per_channel": channels}
def once():
    return [of(path) for path in files]
"""
FFMPEG = """
import imageio_ffmpeg, re, subprocess
def of(path):
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostats", "-i", path,
               "-af", "ebur128", "-f", "null", "-"]
    said = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=True).stderr
    return float(re.findall(r"I:\\s+(\\S+) LUFS", said)[-1])
def once():
    return [of(path) for path in files]
"""
# What soundfile reads; m4a is left to the tests.
KINDS = ("*.wav", "*.flac", "*.mp3", "*.ogg")
SHORT_SECONDS, LONG_SECONDS = 1.0, 30.0
# The empty file of the samples and the like: nothing to measure.
LEAST_BYTES = 1_000


def reports(files):
    """Our results, one a file, in the files' order."""
    found = []
    for path in files:
        with tempfile.TemporaryDirectory() as folder:
            done = harness.op_loop("audio", [path], out=folder)
            if done["failures"]:
                raise SystemExit(f"failed: {done['failures']}")
            (written,) = pathlib.Path(folder).glob("*.json")
            found.append(json.loads(written.read_text(encoding="utf-8")))
    return found


def repeated(path, minutes, target):
    """A WAV file of so many minutes, made of a shorter one."""
    with wave.open(path) as source, wave.open(str(target), "wb") as sink:
        sink.setparams(source.getparams())
        frames = source.readframes(source.getnframes())
        size = source.getsampwidth() * source.getnchannels()
        wanted = minutes * 60 * source.getframerate() * size
        while wanted > 0:
            sink.writeframes(frames[:wanted])
            wanted -= len(frames)
    return str(target)


def compare(table, files):
    """Largest differences over all files, channels and mixes."""
    worst = dict.fromkeys(("rms", "spectral_centroid_hz", "mfcc_means", "zero_crossings"), 0.0)
    ours_all = reports(files)
    for ours, theirs in zip(ours_all, harness.peer(LIBROSA, files)["answer"]):
        pairs = [(ours["mono"], theirs["mono"]), *zip(ours["per_channel"], theirs["per_channel"])]
        for our, their in pairs:
            for field in ("rms", "spectral_centroid_hz"):
                worst[field] = max(worst[field], abs(our[field] / their[field] - 1))
            crossings = abs(our["zero_crossings"] - their["zero_crossings"])
            worst["zero_crossings"] = max(worst["zero_crossings"], crossings)
            for our_mean, their_mean in zip(our["mfcc_means"], their["mfcc_means"]):
                worst["mfcc_means"] = max(worst["mfcc_means"], abs(our_mean - their_mean))
    table.row("RMS, largest relative difference", worst["rms"], "<=", 1e-6)
    table.row("centroid, largest relative difference", worst["spectral_centroid_hz"], "<=", 1e-6)
    table.row("zero crossings, largest difference", worst["zero_crossings"], "<=", 0)
    table.row("MFCC, largest difference", worst["mfcc_means"], "<=", 1e-3)
    loud = [(ours["lufs_integrated"], theirs)
            for ours, theirs in zip(ours_all, harness.peer(FFMPEG, files)["answer"])
            if ours["lufs_integrated"] is not None]
    worst_loudness = max(abs(ours - theirs) for ours, theirs in loud)
    # ffmpeg prints tenths.
    table.row("LUFS beside ffmpeg, largest difference", worst_loudness, "<=", 0.1)


def main():
    arguments = harness.parser(__doc__.splitlines()[0])
    arguments.add_argument("--minutes", type=int, default=10, help="length of the long file")
    options = arguments.parse_args()
    folder = harness.part(options.samples, "audio", "sounds")
    files = [path for path in harness.files_of(folder, *KINDS)
             if pathlib.Path(path).stat().st_size >= LEAST_BYTES]
    seconds = {path: ours["duration_seconds"] for path, ours in zip(files, reports(files))}
    table = harness.Table()
    with tempfile.TemporaryDirectory() as temporary:
        longest = max((path for path in files if path.endswith(".wav")), key=seconds.get)
        long = repeated(longest, options.minutes, pathlib.Path(temporary) / "long.wav")
        groups = {
            "short clips": ([path for path in files if seconds[path] <= SHORT_SECONDS], 0.4, 20),
            "over 30 s": ([path for path in files if seconds[path] > LONG_SECONDS], 0.8, 1),
            f"{options.minutes} minutes": ([long], 0.8, 1),
        }
        for name, (group, bar, times) in groups.items():
            if not group:
                print(f"{name}: no such file under {folder}")
                continue
            repeat = options.repeat * times
            answers = harness.interleaved(options.runs, {
                "ours": lambda: harness.op_loop("audio", group, repeat),
                "librosa": lambda: harness.peer(LIBROSA, group, repeat),
            })
            ours, theirs = map(harness.median_cpu_s, answers.values())
            table.row(f"{name}: ours", ours, unit="s")
            table.row(f"{name}: ours / librosa, CPU", ours / theirs, "<=", bar)
            peak = max(answer["peak_rss_mb"] for answer in answers["ours"])
            table.row(f"{name}: peak memory", peak, unit="MB")
    compare(table, files)
    table.finish()


if __name__ == "__main__":
    main()
