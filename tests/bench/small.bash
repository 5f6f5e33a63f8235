# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Files of 1 KB: what one request costs the server, on 16 keep-alive connections, and each on a connection of
# its own with a full handshake. small is here, in user mode and by CPU time; small-guest is in a guest, in
# both modes, by instructions.

declare -gA RESULT # what the client says, see client_go

SMALL_CONNECTIONS=16

# One sample of keep-alive requests; COST_KEY names it, and KERNEL_COST is added where it is instructions.
small_keep() { # SUBJECT ROUND
	local -a pids
	mapfile -t pids < <(server_pids "$1")
	client_begin "$1" "$BUILD/bench/ask" -c "$SMALL_CONNECTIONS" -n "$SMALL_KEEP" /1KB "$IP" \
		"$(server_port "$1")"
	client_cost "${pids[@]}"
	small_sample keep "$1" "$2" "$SMALL_KEEP" "${RESULT[wall_ns]}"
}

small_new() { # SUBJECT ROUND
	local -a pids
	mapfile -t pids < <(server_pids "$1")
	client_begin "$1" "$BUILD/bench/connect" -n "$SMALL_NEW" -w 16 -r /1KB "$IP" "$(server_port "$1")"
	client_cost "${pids[@]}"
	((RESULT[completed] == SMALL_NEW && !RESULT[failed] && !RESULT[resumed])) ||
		die "$1: ${RESULT[completed]} completed, ${RESULT[failed]} failed"
	small_sample new "$1" "$2" "$SMALL_NEW" "${RESULT[wall_ns]}"
}

small_sample() { # keep|new SUBJECT ROUND REQUESTS WALL_NS
	if [[ $SMALL_UNIT == cpu_us ]]; then
		sample "$SMALL_NAME-$1" "$2" "$3" "cpu_us=$(quotient "$SERVER_COST" $((1000 * $4)))" \
			"per_second=$(($4 * 1000000000 / $5))"
	else
		sample "$SMALL_NAME-$1" "$2" "$3" \
			"instructions=$(((SERVER_COST + KERNEL_COST) / $4))"
	fi
}

small_all() { # SUBJECT...
	local subject
	files_make
	for subject; do
		server_start "$subject" ecdsa none
	done
	rounds "${ROUNDS:-$SMALL_ROUNDS}" small_keep "$@"
	rounds "${ROUNDS:-$SMALL_ROUNDS}" small_new "$@"
}

small_run() {
	SMALL_NAME=small SMALL_UNIT=cpu_us SMALL_ROUNDS=10 SMALL_KEEP=20000 SMALL_NEW=2000
	bind_cpus
	small_all ktlsd-files-user nginx-files
}

small-guest_run() {
	SMALL_NAME=small-guest SMALL_UNIT=instructions SMALL_ROUNDS=3 SMALL_KEEP=4000 SMALL_NEW=300
	cost_settle_kernel
	small_all ktlsd-files-kernel ktlsd-files-user nginx-ktls-files nginx-files
}
