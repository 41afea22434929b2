"""Sounds for `make.py`: tones by formulas and a synthesiser's speech, as WAV files."""

import math
import pathlib
import struct
import subprocess
import tempfile
import uuid


def ffmpeg(source: bytes, *options: str) -> bytes:
    """A WAV file made into another format, without anything that differs from run to run."""
    with tempfile.TemporaryDirectory() as folder:
        target = pathlib.Path(folder) / "out"
        exact = ("-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact")
        command = ["ffmpeg", "-v", "error", "-i", "-", *exact, *options, str(target)]
        subprocess.run(command, input=source, check=True)
        return target.read_bytes()


def speech(text: str, rate: int) -> bytes:
    """The text spoken by a synthesiser that works by formulas, no recorded voice."""
    command = ["espeak-ng", "-v", "en", "-s", "170", "--stdout", text]
    spoken = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    return ffmpeg(spoken, "-ar", str(rate), "-c:a", "pcm_s16le", "-metadata", f"title={text}",
                  "-f", "wav")


def bells(seconds: float, rate: int) -> bytes:
    """Two ship's bells, one left, one a little later right: tones that fade, as a stereo WAV."""
    def strike(time: float, pitch: float) -> float:
        if time < 0:
            return 0.0
        partials = ((1.0, 1.0), (2.76, 0.6), (5.4, 0.25))
        sines = (part * math.sin(2 * math.pi * pitch * times * time) for times, part in partials)
        return 0.4 * math.exp(-5 * time) * sum(sines)

    samples = b"".join(
        struct.pack("<hh", round(16000 * strike(index / rate, 523.25)),
                    round(16000 * strike(index / rate - 0.3, 659.25)))
        for index in range(int(seconds * rate))
    )
    head = struct.pack("<4sI4s4sI", b"RIFF", 36 + len(samples), b"WAVE", b"fmt ", 16)
    form = struct.pack("<HHIIHH4sI", 1, 2, rate, rate * 4, 4, 16, b"data", len(samples))
    return head + form + samples


def tones(seconds: float, rate: int) -> bytes:
    """Six channels as cinemas have them, each with a tone of its own; the fourth is for bass."""
    pitches = (200, 400, 600, 100, 1000, 1200)
    samples = b"".join(
        struct.pack("<6h", *(round(8000 * math.sin(2 * math.pi * pitch * index / rate))
                             for pitch in pitches))
        for index in range(int(seconds * rate))
    )
    integers = uuid.UUID("00000001-0000-0010-8000-00aa00389b71").bytes_le
    form = struct.pack("<HHIIHHHHI", 0xFFFE, 6, rate, rate * 12, 12, 16, 22, 16, 0x3F) + integers
    chunks = b"fmt " + struct.pack("<I", len(form)) + form
    chunks += b"data" + struct.pack("<I", len(samples)) + samples
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks
