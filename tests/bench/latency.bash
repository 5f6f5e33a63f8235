# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Times of requests for a file of 10 KB at a fixed rate, far below what any contender can do, over 16 keep-alive
# connections; measured from when a request was due. latency is here, in user mode; latency-guest is
# in a guest whose clock counts instructions, in both modes: its microseconds are thousands of instructions
# of everybody on the way, client included.

latency_sample() { # SUBJECT ROUND
	local key values=()
	client_begin "$1" "$BUILD/bench/ask" -c 16 -r "$LATENCY_RATE" -n "$LATENCY_REQUESTS" /10KB "$IP" \
		"$(server_port "$1")"
	client_go
	for key in first_p50_us first_p99_us p50_us p99_us; do
		values+=("$key=${RESULT[$key]}")
	done
	sample "$LATENCY_NAME" "$1" "$2" "${values[@]}"
}

latency_all() { # SUBJECT...
	local subject
	files_make
	for subject; do
		server_start "$subject" ecdsa none
	done
	rounds "${ROUNDS:-5}" latency_sample "$@"
}

latency_run() {
	LATENCY_NAME=latency LATENCY_RATE=1000 LATENCY_REQUESTS=3000
	bind_cpus
	latency_all ktlsd-files-user nginx-files
}

latency-guest_run() {
	LATENCY_NAME=latency-guest LATENCY_RATE=500 LATENCY_REQUESTS=1000
	cost_settle_kernel
	latency_all ktlsd-files-kernel ktlsd-files-user nginx-ktls-files nginx-files
}
