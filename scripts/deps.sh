#!/usr/bin/env bash
# Installs what the build and the checks need and this machine lacks: by apt, and by pip into the
# user's library folder. Does nothing where all is there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

packages=()
need() { # COMMAND PACKAGES…
    command -v "$1" >/dev/null 2>&1 || packages+=("${@:2}")
}
need cc gcc libc6-dev
need python3 python3
need patch patch
need git git
# Tests cut the power of a file system of their own.
need mkfs.ext4 e2fsprogs
need nsenter util-linux
# One cuts the network between two of its ends.
need ip iproute2
# A test asks for signs of life by TLS as others do it.
need curl curl
# Text recognition, by its library; the tests of `ocr` need English and orientations.
need tesseract tesseract-ocr tesseract-ocr-eng tesseract-ocr-osd
# Pictures of phones: a library alone, which no command shows.
if [ -z "$(PATH=$PATH:/usr/sbin:/sbin ldconfig -p | grep 'libheif\.so\.1')" ]; then
    packages+=(libheif1)
fi
# shellcheck source=scripts/library.sh
. scripts/library.sh
if ! is_checker_there || ! is_grpc_there || ! is_pdfium_there || ! is_older_there \
    || ! is_accurate_ocr_there; then
    python3 -m pip --version >/dev/null 2>&1 || packages+=(python3-pip)
fi

if [ ${#packages[@]} -gt 0 ]; then
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "deps: please install: ${packages[*]} (this machine has no apt-get)" >&2
        exit 1
    fi
    as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        as_root=(sudo)
    fi
    echo "deps: installing ${packages[*]}"
    "${as_root[@]}" apt-get update -qq
    # What decodes for it is a package of its own on newer systems (Debian 13).
    if [[ " ${packages[*]} " == *" libheif1 "* ]]; then
        for decoder in libheif-plugin-libde265 libheif-plugin-dav1d; do
            if apt-cache show "$decoder" >/dev/null 2>&1; then
                packages+=("$decoder")
            fi
        done
    fi
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${packages[@]}"
fi

if ! is_checker_there; then
    echo "deps: fetching typos $typos_version into $library"
    # Without a network everything else still works; `make test` says what was not checked.
    python3 -m pip install --quiet --root-user-action=ignore --disable-pip-version-check \
        --no-deps --upgrade --target "$library/typos-$typos_version" "typos==$typos_version" \
        || echo "deps: typos could not be fetched; spelling will not be checked" >&2
fi

if ! is_grpc_there; then
    echo "deps: fetching gRPC for Python into $grpc_python"
    rm -rf "$grpc_python"
    if python3 -m pip install --quiet --root-user-action=ignore --disable-pip-version-check \
        --only-binary :all: --target "$grpc_python" -r tests/foreign/requirements.txt; then
        cp tests/foreign/requirements.txt "$grpc_python/"
    else
        echo "deps: it could not be fetched; workers in other languages will not be tested" >&2
    fi
fi

if ! is_pdfium_there; then
    echo "deps: fetching PDFium into $library"
    scripts/pdfium.sh || echo "deps: it could not be fetched; nothing will be tested with it" >&2
fi

if ! is_older_there; then
    echo "deps: fetching Flask and requests into $older_python"
    rm -rf "$older_python"
    if python3 -m pip install --quiet --root-user-action=ignore --disable-pip-version-check \
        --only-binary :all: --target "$older_python" -r tests/foreign/older-requirements.txt; then
        cp tests/foreign/older-requirements.txt "$older_python/"
    else
        echo "deps: they could not be fetched; programs of the older systems will not be tested" >&2
    fi
fi

if ! is_accurate_ocr_there; then
    scripts/accurate-ocr.sh \
        || echo "deps: it could not be fetched; ocr with engine=accurate will not work here" >&2
fi
