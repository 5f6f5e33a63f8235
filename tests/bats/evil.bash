# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Clients that do wrong (helpers/evil), what they see, and how the daemon says it ended. Needs
# lib.bash, and PORTS=(LISTENER=PORT ...).

# Sets PORT to that of the listener.
port() { # LISTENER
	# shellcheck disable=SC2153 # the suite's
	local all=" ${PORTS[*]} "
	PORT=${all#* "$1="}
	PORT=${PORT%% *}
}

# Both record layers; without TLS in the kernel they are the same.
layers() {
	if expect_ktls; then echo user kernel; else echo user; fi
}

# A client does these steps; what it saw is in $T/seen.
client() { # LISTENER [EVIL_OPTION...] STEP...
	local -a options=()
	port "$1"
	shift
	while [[ $1 == -* ]]; do
		options+=("$1" "$2")
		shift 2
	done
	log_mark
	"$HELPERS/evil" -t 30 "${options[@]}" "$IP" "$PORT" "$@" >"$T/seen"
}

# What the daemon logs from now on counts.
log_mark() {
	[[ ! ${LOG_FD-} ]] || exec {LOG_FD}<&-
	exec {LOG_FD}<"$T/ktlsd.log"
	mapfile -u "$LOG_FD" # to its end
	LOG_END=
}

# The daemon says in these words how the first connection since then has ended; sets LINE to them all.
expect_end() { # WORD...
	local word
	[[ $LOG_END ]] || log_follow 20 "$LOG_FD" ' reason=' || {
		echo "nothing is logged"
		return 1
	}
	LINE=${LOG_END:=$LINE}
	for word; do
		[[ " $LINE " == *" $word "* ]] || {
			echo "no '$word' in: $LINE; the client saw:"
			cat "$T/seen"
			return 1
		}
	done
}

# The client saw exactly these lines.
expect_seen() { # LINE...
	diff <(printf '%s\n' "$@") "$T/seen"
}

# For each version and record layer.
each() { # FUNCTION
	local version layer failed=0
	for version in 1.2 1.3; do
		for layer in $(layers); do
			"$1" "$layer" "$version" && continue
			echo "FAILED: $1 with TLS $version in $layer"
			((++failed))
		done
	done
	((failed == 0))
}
