# The user's library folder: what `make deps` fetches by pip lies there. To be sourced.

library=${WINDLASS_LIB:-${XDG_DATA_HOME:-$HOME/.local/share}/windlass/lib}
typos_version=1.52.0
typos=$library/typos-$typos_version/bin/typos

is_checker_there() {
    [ -x "$typos" ]
}
