#!/usr/bin/env bash
# Fetches PDFium's library into the user's library folder: out of the package pypdfium2, of one
# version, checked by its hash.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# shellcheck source=scripts/library.sh
. scripts/library.sh
wheels=$(mktemp -d)
trap 'rm -rf "$wheels"' EXIT
# One for each processor; pip takes the one that fits.
cat > "$wheels/requirements.txt" <<END
pypdfium2==$pdfium_version \\
    --hash=sha256:dc31aea5b0fb9fefc9b537a65f4113980b2c40798445736a7e6565bc85161e37 \\
    --hash=sha256:dd46e93c0c3a73f6cea8489baff6d77a5d0759dd53fbbce0aeb49c91830176fc
END
python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
    --require-hashes --dest "$wheels" -r "$wheels/requirements.txt"
mkdir -p "$library"
python3 - "$wheels"/*.whl "$pdfium" <<'END'
import os
import sys
import zipfile

wheel, target = sys.argv[1:]
with zipfile.ZipFile(wheel) as packed:
    library = packed.read("pypdfium2_raw/libpdfium.so")
with open(f"{target}.new", "wb") as out:
    out.write(library)
# Whole or not at all: a worker may be opening the old one.
os.replace(f"{target}.new", target)
END
echo "$pdfium_version" > "$library/libpdfium.version"
