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
# tcrypt measures on a buffer in memory: no records, no sockets. relay-ktls is the least a program
# that splices kernel TLS can cost.

BULK_SUBJECTS=(relay-plain relay-ktls ktlsd-kernel ktlsd-user nginx-stream haproxy hitch stunnel)

# Starts the client and leaves it after the handshake: BULK_IN and BULK_OUT are its ends.
bulk_client() { # SUBJECT DIRECTION BYTES
	local ready plain=''
	[[ $1 != relay-plain ]] || plain=-p
	# shellcheck disable=SC2086 # an option or nothing
	coproc BULK { exec "$BUILD/bench/stream" $plain "$2" "$3" "$IP" "$(server_port "$1-$2")"; }
	BULK_IN=${BULK[1]} BULK_OUT=${BULK[0]} BULK_CLIENT=$BULK_PID
	read -r -t 120 ready <&"$BULK_OUT" || ready=''
	[[ $ready == READY ]] || die "no handshake with $1"
}

# Lets the client go on and waits for its end.
bulk_transfer() { # SUBJECT
	local line
	echo go >&"$BULK_IN"
	read -r -t 300 line <&"$BULK_OUT" || die "$1 does not finish" "$T/$1-$BULK_DIRECTION.log"
	wait "$BULK_CLIENT" || die "the client failed at $1: $line"
}

# Instructions per byte.
bulk_cost() { # SUBJECT ROUND
	local subject=$1-$BULK_DIRECTION server kernel backend
	local -a pids
	mapfile -t pids < <(server_pids "$subject")
	bulk_client "$1" "$BULK_DIRECTION" "$BULK_BYTES"
	cost_settle "${pids[@]}"
	server=$COST
	cost_read_kernel
	kernel=$COST
	cost_read "$BACKEND_PID"
	backend=$COST
	bulk_transfer "$1"
	cost_settle "${pids[@]}"
	server=$((COST - server))
	cost_read_kernel
	kernel=$((COST - kernel))
	cost_read "$BACKEND_PID"
	backend=$((COST - backend))
	[[ $BULK_DIRECTION == down || $(tail -n 1 "$T/backend.log") == "sunk=$BULK_BYTES" ]] ||
		die "$1 lost bytes: $(tail -n 1 "$T/backend.log")"
	sample "bulk-$BULK_DIRECTION" "$1" "$2" \
		"instructions_per_byte=$(quotient $((server + kernel)) "$BULK_BYTES")" \
		"server=$(quotient "$server" "$BULK_BYTES")" \
		"kernel_threads=$(quotient "$kernel" "$BULK_BYTES")" \
		"backend=$(quotient "$backend" "$BULK_BYTES")"
}

# System calls per MB (10^6 bytes), by perf's count of the tracepoint, which costs instructions: apart.
bulk_calls() { # SUBJECT ROUND
	local subject=$1-$BULK_DIRECTION pids counter calls
	pids=$(server_pids "$subject" | paste -sd ,)
	bulk_client "$1" "$BULK_DIRECTION" "$BULK_BYTES"
	perf stat -x , -o "$T/perf" -e raw_syscalls:sys_enter -p "$pids" 2>"$T/perf.log" &
	counter=$!
	wait_until 60 bulk_is_counting "$counter"
	bulk_transfer "$1"
	kill -INT "$counter"
	wait "$counter" || true
	calls=$(grep sys_enter "$T/perf" | cut -d , -f 1)
	[[ $calls =~ ^[0-9]+$ ]] || die "perf counts nothing: $calls" "$T/perf.log"
	sample "bulk-$BULK_DIRECTION" "$1" "$2" \
		"calls_per_mb=$(quotient $((calls * 1000000)) "$BULK_BYTES")"
}

# perf waits in poll or nanosleep once it counts.
bulk_is_counting() { # PID
	local what
	what=$(<"/proc/$1/wchan") && [[ $what == *poll* || $what == *nanosleep* ]]
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
	done
}
