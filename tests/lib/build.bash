# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Packages and builds of this tree, each with a progress line and a log. To be sourced with
# progress.bash and deps.bash; the current directory is the tree's root.
#
#	build_need GROUP...		install what is missing of these groups of packages
#	build_wolfssl			the bundled wolfSSL into the cache, unless it is there
#	build_preset PRESET [TARGET]...	configure and build into build/PRESET
#	build_tlsnic KERNEL		the module of tests/kmod for a guest's kernel; sets KTLSD_TLSNIC
#
# Logs are in build/logs: packages.log, wolfssl.log, build-PRESET.log, tlsnic-KERNEL.log. On failure they are shown.

# What of a build's log tells how far it is.
build_detail() { # LOG
	local line
	line=$(grep -aE '^\[[0-9]+/[0-9]+\]|^wolfssl: [a-z]+( took|: | \.\.\.)' "$1" | tail -n 1) || return 0
	if [[ $line == \[* ]]; then
		echo "${line%%]*}]"
	else
		line=${line#wolfssl: }
		echo "${line%%[: ]*}"
	fi
}

# Shows what a failed step has printed.
build_show_log() { # LOG
	progress_note "The end of $1:"
	tail -n 60 "$1" | sed 's/^/    /' >&2
}

build_need() { # GROUP...
	local log=build/logs/packages.log missing
	missing=$(deps_missing "$@") || return 1
	[[ $missing ]] || return 0
	# another user than root is told what to do, and so is another system
	if ((EUID)) || ! command -v apt-get >/dev/null; then
		deps_need "$@"
		return
	fi
	progress_note "Installing from Debian: ${missing//$'\n'/ }"
	progress_run "apt" "$log" deps_need "$@" || {
		build_show_log "$log"
		return 1
	}
}

# Without a source CMake takes the system's library, which then has to be there.
build_wolfssl() {
	local log=build/logs/wolfssl.log status=0 prefix
	prefix=$(daemon/tls/wolfssl/build --prefix-only)
	[[ ${KTLSD_WOLFSSL_SOURCE-} || ! -f $prefix/lib/libwolfssl.a ]] || return 0
	PROGRESS_DETAIL=build_detail progress_run "wolfSSL (built once, then cached)" "$log" \
		daemon/tls/wolfssl/build || status=$?
	case $status in
	0) ;;
	3)
		progress_note "No source of wolfSSL is to be had: taking the system's library instead."
		build_need wolfssl-system
		;;
	*)
		build_show_log "$log"
		return 1
		;;
	esac
}

build_configure_and_make() { # PRESET [TARGET]...
	cmake --preset "$1" && cmake --build --preset "$1" ${2:+--target "${@:2}"}
}

build_preset() { # PRESET [TARGET]...
	local log=build/logs/build-$1.log
	PROGRESS_DETAIL=build_detail progress_run "build $1" "$log" build_configure_and_make "$@" || {
		build_show_log "$log"
		return 1
	}
}

build_tlsnic() { # KERNEL
	local log=build/logs/tlsnic-$1.log
	progress_run "tlsnic for $1" "$log" tests/kmod/build "$1" || {
		build_show_log "$log"
		return 1
	}
}
