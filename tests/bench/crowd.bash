# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# How the observer copes with 10,000 kernel-TLS sockets of somebody else's (raw pairs, no handshakes): what it
# takes to list them, to draw `ktlsctl top` after a key, and to answer a scrape. By the wall clock of an
# emulated guest, which says no more than that nothing grows out of hand.

CROWD_KEYS='ph r>r<r/12'

crowd_ctl() { # COMMAND...
	"$BUILD/ktlsctl" --socket "$T/run-crowd/api.sock" "$@"
}

crowd_sees() {
	[[ $(crowd_ctl status --json | jq '.observer | .available and (.waiting_for_tls | not)') == true ]]
}

crowd_ktlsd_start() {
	printf '%s\n' "user: nobody" "runtime-directory: $T/run-crowd" "workers: 1" \
		"metrics: unix:$T/run-crowd/metrics.sock" >"$T/crowd.conf"
	spawn crowd "$BUILD/ktlsd" --config "$T/crowd.conf"
	wait_until 90 grep -q 'msg="ready"' "$T/crowd.log" || die "no ktlsd" "$T/crowd.log"
	wait_until 90 crowd_sees || die "no observer" "$T/crowd.log"
}

# Milliseconds since START, which is of $EPOCHREALTIME.
crowd_ms() { # START
	local now=$EPOCHREALTIME
	echo $(((${now/./} - ${1/./}) / 1000))
}

crowd_list() { # MANY ROUND
	local start=$EPOCHREALTIME ms sockets
	crowd_ctl list --json >"$T/list.json" || die "list failed"
	ms=$(crowd_ms "$start")
	sockets=$(grep -c '"cookie":' "$T/list.json") || true
	((sockets >= $1)) || die "$sockets listed, not $1"
	sample crowd "$1" "$2" "list_ms=$ms"
}

crowd_scrape() { # MANY ROUND
	local seconds
	sleep 0.3 # those that come together share a text
	seconds=$(curl -fsS --unix-socket "$T/run-crowd/metrics.sock" -o "$T/metrics" -w '%{time_total}' \
		http://localhost/metrics) || die "no metrics"
	! cmp -s "$T/metrics" "$T/metrics-before" || die "an old text was scraped"
	cp "$T/metrics" "$T/metrics-before"
	sample crowd "$1" "$2" "scrape_ms=$(quotient $((10#${seconds/./})) 1000)" \
		"scrape_bytes=$(wc -c <"$T/metrics")"
}

crowd_top() { # MANY ROUND
	local word line
	local -A took=()
	line=$("$BUILD/bench/key" "$CROWD_KEYS" "$BUILD/ktlsctl" --socket "$T/run-crowd/api.sock" \
		top --delay 60) || die "top does not draw"
	for word in $line; do
		took[${word%%=*}]=${word#*=}
	done
	sample crowd "$1" "$2" "key_ms=$(quotient "${took[median_us]}" 1000)" \
		"key_max_ms=$(quotient "${took[max_us]}" 1000)"
}

# Of the server: the monitor gives back what it loaded the programs with when it likes.
crowd_rss() {
	memory_rss "$(crowd_ctl status --json | jq .pid)"
}

crowd_round() { # MANY ROUND
	crowd_list "$@"
	crowd_scrape "$@"
	crowd_top "$@"
}

# The client that waits is who holds them.
crowd_run() {
	local before many=${CROWD_SOCKETS:-10000}
	modprobe tls
	crowd_ktlsd_start
	SAMPLES=/dev/null crowd_list 0 0
	SAMPLES=/dev/null crowd_scrape 0 0
	crowd_rss
	before=$RSS
	client_begin many "$BUILD/helpers/many" "$many"
	rounds 3 crowd_scrape "$many"
	crowd_rss
	sample crowd "$many" 1 "rss_bytes=$((RSS - before))"
	rounds "${ROUNDS:-3}" crowd_round "$many"
	exec {CLIENT_IN}>&-
}
