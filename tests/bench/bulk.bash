# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Instructions and system calls of a bulk stream through a proxy, the server alone. In a guest whose clock
# counts instructions (tests/vm/vm run --icount), where the scheduler's account of a task is its number
# of instructions. To the server's processes the kernel's threads are added, which work for it; client
# and backend are accounted apart. What the network stack does for the server's packets in the context
# of the client's or the backend's send() is theirs, and the other way round: alike for all.
#
# Floors: relay-plain is TCP spliced to TCP. The second floor is that plus the kernel's AEAD alone, which
# tcrypt measures on a buffer in memory: no records, no sockets. relay-ktls shows what kernel TLS
# costs a program that only splices.

BULK_SUBJECTS=(relay-plain relay-ktls ktlsd-kernel ktlsd-user nginx-stream haproxy hitch stunnel)

# A client of a subject, after its handshake.
bulk_client() { # SUBJECT
	local plain=''
	[[ $1 != relay-plain ]] || plain=-p
	# shellcheck disable=SC2086 # an option or nothing
	client_begin "$1" "$BUILD/bench/stream" $plain "$BULK_DIRECTION" "$BULK_BYTES" "$IP" \
		"$(server_port "$1-$BULK_DIRECTION")"
}

# Instructions per byte.
bulk_cost() { # SUBJECT ROUND
	local backend
	local -a pids
	mapfile -t pids < <(server_pids "$1-$BULK_DIRECTION")
	bulk_client "$1"
	cost_read "$BACKEND_PID"
	backend=$COST
	client_cost "${pids[@]}"
	cost_read "$BACKEND_PID"
	[[ $BULK_DIRECTION == down || $(tail -n 1 "$T/backend.log") == "sunk=$BULK_BYTES" ]] ||
		die "$1 lost bytes: $(tail -n 1 "$T/backend.log")"
	sample "bulk-$BULK_DIRECTION" "$1" "$2" \
		"instructions_per_byte=$(quotient $((SERVER_COST + KERNEL_COST)) "$BULK_BYTES")" \
		"server=$(quotient "$SERVER_COST" "$BULK_BYTES")" \
		"kernel_threads=$(quotient "$KERNEL_COST" "$BULK_BYTES")" \
		"backend=$(quotient $((COST - backend)) "$BULK_BYTES")"
}

# System calls per MB (10^6 bytes).
bulk_calls() { # SUBJECT ROUND
	local -a pids
	mapfile -t pids < <(server_pids "$1-$BULK_DIRECTION")
	bulk_client "$1"
	client_calls "${pids[@]}"
	sample "bulk-$BULK_DIRECTION" "$1" "$2" \
		"calls_per_mb=$(quotient $((CALLS * 1000000)) "$BULK_BYTES")"
}

bulk_profile() { # SUBJECT
	local -a pids
	mapfile -t pids < <(server_pids "$1-$BULK_DIRECTION")
	bulk_client "$1"
	profile_begin "${pids[@]}"
	client_go
	profile_end "bulk-$BULK_DIRECTION" "$1"
}

# The kernel's AEAD alone, by the slope between blocks of 4 KiB and 8 KiB: instructions per byte at records
# of 16 KiB. tcrypt counts by the TSC, which counts instructions here, and never stays loaded. An interrupt
# only adds, so the least of some runs counts.
bulk_aead() {
	local operation small large i
	dmesg -C
	for ((i = 0; i < 4; i++)); do
		modprobe tcrypt mode=211 sec=0 2>/dev/null || true
	done
	dmesg >"$T/tcrypt.log"
	for operation in encryption decryption; do
		small=$(bulk_aead_of "$operation" 4096)
		large=$(bulk_aead_of "$operation" 8192)
		[[ $small && $large ]] || die "tcrypt says nothing" "$T/tcrypt.log"
		sample bulk-aead "$operation" 1 \
			"instructions_per_byte=$(quotient $((2 * (large - small) + large)) 16384)"
	done
}

bulk_aead_of() { # OPERATION BLOCK
	awk -v op="$1" -v block="$2" '
		/testing speed of/ { on = $0 ~ / gcm\(aes\) / && $0 ~ op }
		on && $0 ~ "128 bit key, " block " byte blocks" {
			match($0, /in [0-9]+ cycles/)
			cycles = substr($0, RSTART + 3, RLENGTH - 10) + 0
			if (!least || cycles < least)
				least = cycles
		}
		END { print least }' "$T/tcrypt.log"
}

bulk_run() {
	local subject
	BULK_BYTES=${BULK_BYTES:-50000000}
	cost_settle_kernel
	bulk_aead
	backend_start "source=$IP:3001" "sink=$IP:3002"
	for subject in "${BULK_SUBJECTS[@]}"; do
		server_start "$subject-down" ecdsa "$IP:3001"
		server_start "$subject-up" ecdsa "$IP:3002"
	done
	for BULK_DIRECTION in down up; do
		rounds "${ROUNDS:-3}" bulk_cost "${BULK_SUBJECTS[@]}"
		rounds 1 bulk_calls "${BULK_SUBJECTS[@]}"
		for subject in relay-ktls ktlsd-kernel ktlsd-user nginx-stream; do
			bulk_profile "$subject"
		done
	done
}
