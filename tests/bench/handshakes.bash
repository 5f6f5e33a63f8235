# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What each completed full TLS 1.3 handshake costs the server. The proxies also connect to a backend, and pass
# one small request and its answer, so that the client knows of completion; nginx-return shows what nginx
# needs without a backend. handshakes is here, by CPU time, the server on one CPU, client and backend on the
# other; handshakes-guest is in a guest, by instructions.

declare -gA RESULT # what the client says, see client_go

handshakes_client() { # SUBJECT COUNT
	client_begin "$1" "$BUILD/bench/connect" -n "$2" -w 32 "$IP" "$(server_port "$1")"
}

handshakes_check() { # SUBJECT
	((RESULT[completed] == HANDSHAKES_COUNT && !RESULT[failed] && !RESULT[resumed])) ||
		die "$1: ${RESULT[completed]} completed, ${RESULT[failed]} failed"
}

handshakes_sample() { # SUBJECT ROUND
	local user all
	local -a pids
	mapfile -t pids < <(server_pids "$1")
	handshakes_client "$1" "$HANDSHAKES_COUNT"
	ticks_read "${pids[@]}"
	user=$TICKS_USER all=$TICKS
	client_cost "${pids[@]}"
	handshakes_check "$1"
	ticks_read "${pids[@]}"
	sample "handshakes-$HANDSHAKES_KEY" "$1" "$2" \
		"cpu_us=$(quotient "$SERVER_COST" $((1000 * HANDSHAKES_COUNT)))" \
		"user_percent=$((100 * (TICKS_USER - user) / (TICKS - all)))" \
		"busy_percent=$((100 * SERVER_COST / RESULT[wall_ns]))" \
		"per_second=$((HANDSHAKES_COUNT * 1000000000 / RESULT[wall_ns]))"
}

handshakes_sample_guest() { # SUBJECT ROUND
	local -a pids
	mapfile -t pids < <(server_pids "$1")
	handshakes_client "$1" "$HANDSHAKES_COUNT"
	client_cost "${pids[@]}"
	handshakes_check "$1"
	sample "handshakes-guest-$HANDSHAKES_KEY" "$1" "$2" \
		"instructions=$(((SERVER_COST + KERNEL_COST) / HANDSHAKES_COUNT))"
}

handshakes_profile() { # COMPARISON SUBJECT COUNT
	local -a pids
	mapfile -t pids < <(server_pids "$2")
	handshakes_client "$2" "$3"
	profile_begin "${pids[@]}"
	client_go
	profile_end "$1-$HANDSHAKES_KEY" "$2"
}

handshakes_guest_calls() { # SUBJECT ROUND
	local -a pids
	mapfile -t pids < <(server_pids "$1")
	handshakes_client "$1" "$HANDSHAKES_COUNT"
	client_calls "${pids[@]}"
	sample "handshakes-guest-$HANDSHAKES_KEY" "$1" "$2" "calls=$(quotient "$CALLS" "$HANDSHAKES_COUNT")"
}

handshakes_start() { # SUBJECT...
	local subject
	for subject; do
		server_start "$subject" "$HANDSHAKES_KEY" "$IP:3000"
	done
}

handshakes_stop() { # SUBJECT...
	local subject
	for subject; do
		server_stop "$subject"
	done
}

handshakes_run() {
	local -a subjects
	HANDSHAKES_COUNT=2000
	bind_cpus
	backend_start "answer=$IP:3000"
	for HANDSHAKES_KEY in ecdsa rsa; do
		subjects=(ktlsd-user nginx-stream nginx-stream-1ticket nginx-http nginx-return hitch stunnel)
		if [[ $HANDSHAKES_KEY == rsa ]] && grep -qw avx512ifma /proc/cpuinfo; then
			subjects+=(nginx-stream-noifma)
		fi
		handshakes_start "${subjects[@]}"
		rounds "${ROUNDS:-10}" handshakes_sample "${subjects[@]}"
		handshakes_profile handshakes ktlsd-user 6000
		handshakes_profile handshakes nginx-stream 6000
		handshakes_stop "${subjects[@]}"
	done
}

handshakes-guest_run() {
	local subjects=(ktlsd-kernel ktlsd-user nginx-stream nginx-stream-1ticket nginx-http nginx-return hitch)
	HANDSHAKES_COUNT=200
	cost_settle_kernel
	backend_start "answer=$IP:3000"
	for HANDSHAKES_KEY in ecdsa rsa; do
		handshakes_start "${subjects[@]}"
		rounds "${ROUNDS:-3}" handshakes_sample_guest "${subjects[@]}"
		rounds 1 handshakes_guest_calls "${subjects[@]}"
		handshakes_profile handshakes-guest ktlsd-user 300
		handshakes_profile handshakes-guest nginx-stream 300
		handshakes_stop "${subjects[@]}"
	done
}
