# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# CPU of the server for each completed full TLS 1.3 handshake. The proxies also connect to a backend,
# and pass one small request and its answer, so that the client knows of completion; nginx-return
# shows what nginx needs without a backend. Server on one CPU, client and backend on the other.

handshakes_sample() { # SUBJECT ROUND
	local before user all line wall word
	local -a pids
	local -A result=()
	mapfile -t pids < <(server_pids "$1")
	cost_settle "${pids[@]}"
	before=$COST
	ticks_read "${pids[@]}"
	user=$TICKS_USER all=$TICKS
	line=$(taskset -c "$CLIENT_CPU" "$BUILD/bench/connect" -n "$HANDSHAKES_COUNT" -w 32 \
		"$IP" "$(server_port "$1")") || die "the client fails at $1"
	cost_settle "${pids[@]}"
	for word in $line; do
		result[${word%%=*}]=${word#*=}
	done
	((result[completed] == HANDSHAKES_COUNT && !result[failed] && !result[resumed])) ||
		die "$1: $line"
	ticks_read "${pids[@]}"
	wall=${result[wall_ns]}
	sample "handshakes-$HANDSHAKES_KEY" "$1" "$2" \
		"cpu_us=$(quotient $((COST - before)) $((1000 * HANDSHAKES_COUNT)))" \
		"user_percent=$((100 * (TICKS_USER - user) / (TICKS - all)))" \
		"busy_percent=$((100 * (COST - before) / wall))" \
		"per_second=$((HANDSHAKES_COUNT * 1000000000 / wall))"
}

handshakes_run() {
	local subject
	local -a subjects
	HANDSHAKES_COUNT=${HANDSHAKES_COUNT:-2000}
	bind_cpus
	backend_start "answer=$IP:3000"
	for HANDSHAKES_KEY in ecdsa rsa; do
		subjects=(ktlsd-user nginx-stream nginx-http nginx-return hitch stunnel)
		if [[ $HANDSHAKES_KEY == rsa ]] && grep -qw avx512ifma /proc/cpuinfo; then
			subjects+=(nginx-stream-noifma)
		fi
		for subject in "${subjects[@]}"; do
			server_start "$subject" "$HANDSHAKES_KEY" "$IP:3000"
		done
		rounds "${ROUNDS:-10}" handshakes_sample "${subjects[@]}"
		for subject in "${subjects[@]}"; do
			server_stop "$subject"
		done
	done
	stop "$BACKEND_PID"
}
