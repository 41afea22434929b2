# The user's library folder: what `make deps` fetches from PyPI lies there. To be sourced.

library=${WINDLASS_LIB:-${XDG_DATA_HOME:-$HOME/.local/share}/windlass/lib}
typos_version=1.52.0
typos=$library/typos-$typos_version/bin/typos

# gRPC for Python, by which tests speak as programs in other languages do.
grpc_python=$library/grpc-python

# PDFium out of PyPI's package for Python, which is tested with.
pdfium_version=5.15.2
pdfium=$library/libpdfium.so

is_pdfium_there() {
    [ -e "$pdfium" ] && [ "$(cat "$library/libpdfium.version" 2>/dev/null)" = "$pdfium_version" ]
}

# What programs of the older systems are written with, for those that stand for them in tests.
older_python=$library/older-python

# What the accurate engine of `ocr` reads with.
accurate_ocr=$library/accurate-ocr

is_checker_there() {
    [ -x "$typos" ]
}

is_grpc_there() {
    cmp -s tests/foreign/requirements.txt "$grpc_python/requirements.txt"
}

is_older_there() {
    cmp -s tests/foreign/older-requirements.txt "$older_python/older-requirements.txt"
}

is_accurate_ocr_there() {
    cmp -s scripts/accurate-ocr.txt "$accurate_ocr/requirements.txt"
}
