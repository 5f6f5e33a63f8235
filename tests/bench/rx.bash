# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Receiving in the kernel or in user space, for each cipher suite: instructions for each byte of a bulk stream
# from the client through ktlsd to a backend, as in bulk.bash. Sending, which matters little here, is in the
# kernel both times.

RX_SUITES=(TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256 TLS_AES_128_CCM_SHA256)

rx_sample() { # SUITE/MODE ROUND
	local suite=${1%/*} mode=${1#*/} subject
	local -a pids
	subject=ktlsd-$mode
	mapfile -t pids < <(server_pids "$subject")
	client_begin "$subject" "$BUILD/bench/stream" -c "$suite" up "$RX_BYTES" "$IP" \
		"$(server_port "$subject")"
	client_cost "${pids[@]}"
	sample rx "$suite" "$2" "$mode=$(quotient $((SERVER_COST + KERNEL_COST)) "$RX_BYTES")"
}

rx_run() {
	local suite cells=()
	RX_BYTES=${RX_BYTES:-20000000}
	cost_settle_kernel
	backend_start "sink=$IP:3002"
	server_start ktlsd-kernel ecdsa "$IP:3002"
	server_start ktlsd-tx ecdsa "$IP:3002"
	for suite in "${RX_SUITES[@]}"; do
		cells+=("$suite/kernel" "$suite/tx")
	done
	rounds "${ROUNDS:-3}" rx_sample "${cells[@]}"
}
