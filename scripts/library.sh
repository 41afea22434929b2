# The user's library folder: what `make deps` fetches by pip lies there. To be sourced.

library=${WINDLASS_LIB:-${XDG_DATA_HOME:-$HOME/.local/share}/windlass/lib}
typos_version=1.52.0
typos=$library/typos-$typos_version/bin/typos

# gRPC for Python, by which tests speak as programs in other languages do.
grpc_python=$library/grpc-python

is_checker_there() {
    [ -x "$typos" ]
}

is_grpc_there() {
    cmp -s tests/foreign/requirements.txt "$grpc_python/requirements.txt"
}
