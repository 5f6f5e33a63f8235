# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the kernel programs cost those who use kernel TLS: a bulk stream through ktlsd and through nginx with
# kTLS, and short connections, with the programs of a ktlsd that only observes attached, without any, and
# with its accounting of payload. In a guest whose clock counts instructions; see bulk.bash. What
# the observing ktlsd does meanwhile, reading events, counts as cost of the programs.

declare -gA RESULT # what the client says, see client_go
OBSERVER_SUBJECTS=(ktlsd-kernel nginx-ktls-stream)

observer_ctl() { # COMMAND...
	"$BUILD/ktlsctl" --socket "$T/run-observer/api.sock" "$@"
}

# Every program of a wanted kind is attached, or none.
observer_is() { # off|on|payload
	local have
	have=$(observer_ctl status --json | jq -r '.observer | if .available | not then "off"
		elif (.waiting_for_tls or any(.programs[]; .attached | not)) then "partial"
		elif .payload then "payload" else "on" end') || true
	[[ $have == "$1" ]]
}

# The programs outlive a ktlsd: the contenders' own go away while they run on.
observer_silence() { # SUBJECT
	"$BUILD/ktlsctl" --socket "$T/run-$(server_port "$1")/api.sock" observe --unload \
		>"$T/unload.log" 2>&1 || die "$1 keeps its programs:" "$T/unload.log"
}

observer_set() { # off|on|payload
	if [[ $1 == off ]]; then
		[[ -z $OBSERVER_PID ]] || observer_ctl observe --unload >/dev/null || die "no unloading"
		[[ -z $OBSERVER_PID ]] || stop "$OBSERVER_PID"
		OBSERVER_PID=''
		! bpftool prog list | grep -w ktls_close || die "programs are left"
		cost_settle_kernel
		return
	fi
	if [[ -z $OBSERVER_PID ]]; then
		printf '%s\n' "user: nobody" "runtime-directory: $T/run-observer" "workers: 1" >"$T/observer.conf"
		spawn observer "$BUILD/ktlsd" --config "$T/observer.conf"
		OBSERVER_PID=$SPAWNED
		wait_until 90 grep -q 'msg="ready"' "$T/observer.log" || die "no observer" "$T/observer.log"
	fi
	observer_ctl observe --payload "$([[ $1 == payload ]] && echo on || echo off)" >/dev/null || true
	wait_until 90 observer_is "$1" || die "the observer is not $1" "$T/observer.log"
	cost_settle_kernel
}

# As client_cost, with the observing ktlsd's own in OBSERVER_COST; sets ALL_COST to the sum.
observer_client_cost() { # PID...
	local before
	local -a observer=()
	[[ -z $OBSERVER_PID ]] || mapfile -t observer < <(descendants "$OBSERVER_PID")
	cost_read "${observer[@]}"
	before=$COST
	client_cost "$@"
	cost_read "${observer[@]}"
	OBSERVER_COST=$((COST - before))
	# shellcheck disable=SC2153 # client_cost's
	ALL_COST=$((SERVER_COST + KERNEL_COST + OBSERVER_COST))
}

observer_bulk() { # SUBJECT STATE ROUND
	local -a pids
	mapfile -t pids < <(server_pids "$1-bulk")
	client_begin "$1" "$BUILD/bench/stream" down "$OBSERVER_BYTES" "$IP" "$(server_port "$1-bulk")"
	observer_client_cost "${pids[@]}"
	sample observer-bulk "$1-$2" "$3" \
		"instructions_per_byte=$(quotient "$ALL_COST" "$OBSERVER_BYTES")" \
		"kernel_threads=$(quotient "$KERNEL_COST" "$OBSERVER_BYTES")" \
		"observer=$(quotient "$OBSERVER_COST" "$OBSERVER_BYTES")"
}

observer_short() { # SUBJECT STATE ROUND
	local before
	local -a pids
	mapfile -t pids < <(server_pids "$1-short")
	before=$(files_tx_count)
	client_begin "$1" "$BUILD/bench/connect" -n "$OBSERVER_COUNT" -w 16 "$IP" "$(server_port "$1-short")"
	observer_client_cost "${pids[@]}"
	((RESULT[completed] == OBSERVER_COUNT && !RESULT[failed] && !RESULT[resumed])) ||
		die "$1: ${RESULT[completed]} completed, ${RESULT[failed]} failed"
	(($(files_tx_count) - before == OBSERVER_COUNT)) || die "$1: not all with kernel TLS"
	sample observer-short "$1-$2" "$3" "instructions=$((ALL_COST / OBSERVER_COUNT))" \
		"kernel_threads=$((KERNEL_COST / OBSERVER_COUNT))" \
		"observer=$((OBSERVER_COST / OBSERVER_COUNT))"
}

observer_all() { # STATE ROUND
	local subject
	observer_set "$1"
	for subject in "${OBSERVER_SUBJECTS[@]}"; do
		observer_bulk "$subject" "$@"
		observer_short "$subject" "$@"
	done
}

observer_run() {
	local subject
	OBSERVER_PID='' OBSERVER_BYTES=${OBSERVER_BYTES:-50000000} OBSERVER_COUNT=${OBSERVER_COUNT:-200}
	cost_settle_kernel
	backend_start "source=$IP:3001" "answer=$IP:3000"
	for subject in "${OBSERVER_SUBJECTS[@]}"; do
		server_start "$subject-bulk" ecdsa "$IP:3001"
		server_start "$subject-short" ecdsa "$IP:3000"
	done
	observer_silence ktlsd-kernel-bulk
	observer_silence ktlsd-kernel-short
	observer_set off
	# what is done once only: not to be anybody's
	for subject in "${OBSERVER_SUBJECTS[@]}"; do
		SAMPLES=/dev/null observer_short "$subject" off 0
	done
	rounds "${ROUNDS:-3}" observer_all off on payload
	observer_profile
}

# Where it goes, with the programs there.
observer_profile() {
	local -a pids
	observer_set on
	mapfile -t pids < <(server_pids ktlsd-kernel-short)
	client_begin ktlsd-kernel "$BUILD/bench/connect" -n "$OBSERVER_COUNT" -w 16 "$IP" \
		"$(server_port ktlsd-kernel-short)"
	profile_begin "${pids[@]}"
	client_go
	profile_end observer-short ktlsd-kernel-on
}
