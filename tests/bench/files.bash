# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Files over one keep-alive connection: instructions and system calls of the server alone, in a guest whose
# clock counts instructions; see bulk.bash for what that means. Handshake and first answer are left out.

FILES_SUBJECTS=(ktlsd-files-kernel ktlsd-files-user nginx-ktls-files nginx-files)
declare -A FILES_SIZE=([100KB]=100000 [1MB]=1000000 [20MB]=20000000)

files_client() { # SUBJECT REQUESTS
	client_begin "$1" "$BUILD/bench/ask" -n "$2" "/$FILES_NAME" "$IP" "$(server_port "$1")"
}

# Whether sending is in the kernel, as the kernel counts it.
files_tx_count() {
	awk '$1 == "TlsTxSw" { print $2 }' /proc/net/tls_stat
}

files_check_mode() { # SUBJECT COUNT_BEFORE
	local more=$(($(files_tx_count) - $2)) want=0
	[[ $1 != *kernel* && $1 != *ktls-* ]] || want=1
	((more == want)) || die "$1: $more connections with kernel TLS, not $want"
}

files_cost() { # SUBJECT ROUND
	local before
	local -a pids
	mapfile -t pids < <(server_pids "$1")
	before=$(files_tx_count)
	files_client "$1" "$FILES_REQUESTS"
	files_check_mode "$1" "$before"
	client_cost "${pids[@]}"
	sample "files-$FILES_NAME" "$1" "$2" \
		"instructions_per_byte=$(quotient $((SERVER_COST + KERNEL_COST)) "${RESULT[bytes]}")" \
		"kernel_threads=$(quotient "$KERNEL_COST" "${RESULT[bytes]}")"
}

files_calls() { # SUBJECT ROUND
	local -a pids
	mapfile -t pids < <(server_pids "$1")
	files_client "$1" "$FILES_REQUESTS"
	client_calls "${pids[@]}"
	sample "files-$FILES_NAME" "$1" "$2" \
		"calls_per_mb=$(quotient $((CALLS * 1000000)) "${RESULT[bytes]}")"
	files_client "$1" 1
	client_copied "${pids[@]}"
	sample "files-$FILES_NAME" "$1" "$2" \
		"copied_percent=$(quotient $((100 * COPIED)) "${RESULT[bytes]}")"
}

files_profile() { # SUBJECT
	local -a pids
	mapfile -t pids < <(server_pids "$1")
	files_client "$1" "$FILES_REQUESTS"
	profile_begin "${pids[@]}"
	client_go
	profile_end "files-$FILES_NAME" "$1"
}

files_make() {
	local name
	mkdir -p "$T/www"
	for name in "${!FILES_SIZE[@]}"; do
		head -c "${FILES_SIZE[$name]}" /dev/urandom >"$T/www/$name"
	done
	head -c 1024 /dev/urandom >"$T/www/1KB"
	head -c 10240 /dev/urandom >"$T/www/10KB"
	chmod -R a+rX "$T/www"
}

files_run() {
	local subject
	cost_settle_kernel
	files_make
	for subject in "${FILES_SUBJECTS[@]}"; do
		server_start "$subject" ecdsa none
	done
	for FILES_NAME in 100KB 1MB 20MB; do
		FILES_REQUESTS=$((FILES_BYTES / FILES_SIZE[$FILES_NAME]))
		rounds "${ROUNDS:-3}" files_cost "${FILES_SUBJECTS[@]}"
		rounds 1 files_calls "${FILES_SUBJECTS[@]}"
	done
	files_profile ktlsd-files-kernel
	files_profile nginx-ktls-files
}
FILES_BYTES=${FILES_BYTES:-40000000}
