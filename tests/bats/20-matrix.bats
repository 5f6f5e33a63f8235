#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Bodies cross ktlsd unharmed: every pair of (TLS version, cipher, directions in the kernel, kind of
# backend, client), all sizes around the limit of a record in both directions, compared by hash;
# and the kernel's own counters say who did it. MATRIX=full runs every cell.

load lib
load matrix

setup_file() {
	local size kernel backend client
	suite_begin
	for size in "${MATRIX_SIZES[@]}" "$MATRIX_LARGE"; do
		"$HELPERS/pattern" body up "$size" >"$T/up-$size"
	done
	for client in ${MATRIX_FACTORS[client]}; do
		matrix_sizes "$client"
		matrix_expected "$client" "${SIZES[@]}" >"$T/expected-$client"
	done
	matrix_expected curl "$MATRIX_LARGE" >"$T/expected-large"
	backend_start "http=tcp:$IP:3000" "http=unix:$T/backend.sock"
	config_begin
	for kernel in ${MATRIX_FACTORS[kernel]}; do
		for backend in "tcp:$IP:3000" "unix:$T/backend.sock"; do
			matrix_cell 1.3 gcm128 "$kernel" "${backend%%:*}"
			config_listener "$LISTENER" "$PORT" "$backend" "ktls: $POLICY"
		done
	done
	daemon_start
}

teardown_file() {
	suite_end
}

# ---- the daemon's counters ----

# Bytes of a direction in the kernel went through pipes, the others were copied.
expect_moved() {
	local direction
	local -A moved=([kernel]=0 [user]=0)
	for direction in tx rx; do
		counter_grown "${direction}_bytes"
		((moved[${MODE[$direction]}] += GROWN, 1))
	done
	expect_grown spliced_bytes "${moved[kernel]}" && expect_grown copied_bytes "${moved[user]}"
}

# What the daemon counted of the one connection of a cell since counters_mark.
expect_counted() { # VERSION
	local direction
	expect_grown "handshakes_tls${1/./}" 1 || return
	for direction in tx rx; do
		if [[ ${MODE[$direction]} == kernel ]]; then
			expect_grown "${direction}_kernel" 1 || return
		else
			expect_grown "${direction}_kernel" 0 || return
			expect_grown "$direction/${WHY[$direction]}" 1 || return
		fi
	done
	expect_moved
}

# ---- cells ----

cell_run() { # VERSION CIPHER KERNEL BACKEND CLIENT
	local came expected end=closed
	matrix_cell "$1" "$2" "$3" "$4"
	matrix_sizes "$5"
	counters_mark
	matrix_exchange "$5" "$1" "$2" "${SIZES[@]}" >"$T/came" || {
		echo "the client failed"
		return 1
	}
	read -r came <"$T/came"
	read -r expected <"$T/expected-$5"
	[[ $came == "$expected" ]] || {
		echo "what came back is $came, and should be $expected"
		return 1
	}
	wait_until 20 connection_has_ended || {
		echo "the connection does not end"
		return 1
	}
	# gnutls-cli answers a close_notify with a bare FIN
	[[ $5 != gnutls ]] || end=truncated
	expect_counted "$1" && expect_grown "end/$end" 1
}

# Runs the cells of a client one by one, and compares what the kernel counted with them.
cells_run() { # CLIENT
	local v c k b p cells=0 failed=0
	local -A sockets=([tx]=0 [rx]=0) before
	tls_stat_read
	before=([tx]=${TLS_STAT[TlsTxSw]-0} [rx]=${TLS_STAT[TlsRxSw]-0})
	while read -r v c k b p <&9; do
		[[ $p == "$1" ]] || continue
		((++cells))
		cell_run "$v" "$c" "$k" "$b" "$p" || {
			echo "FAILED: TLS $v, $c, in the kernel: $k, backend: $b, client: $p"
			((++failed))
		}
		[[ ${MODE[tx]} != kernel ]] || ((++sockets[tx]))
		[[ ${MODE[rx]} != kernel ]] || ((++sockets[rx]))
	done 9< <(matrix_cells)
	echo "$cells cells, $failed failed"
	((cells > 0 && failed == 0))
	wait_until 20 tls_stat_is_idle
	[[ $((${TLS_STAT[TlsTxSw]-0} - before[tx])) == "${sockets[tx]}" ]]
	[[ $((${TLS_STAT[TlsRxSw]-0} - before[rx])) == "${sockets[rx]}" ]]
}

# Sets HAVE["FACTOR VALUE FACTOR VALUE"] for every pair that a cell has.
pairs_have() {
	local -a cell
	local i j
	declare -gA HAVE=()
	while read -r -a cell; do
		for i in {0..4}; do
			for ((j = i + 1; j < 5; j++)); do
				HAVE["$i ${cell[i]} $j ${cell[j]}"]=1
			done
		done
	done < <(matrix_cells)
}

# Every pair of values of two factors, found by going through the factors; sets PAIRS.
pairs_all() {
	local -a factors=(version cipher kernel backend client)
	local i j a b
	PAIRS=0
	for i in {0..4}; do
		for ((j = i + 1; j < 5; j++)); do
			for a in ${MATRIX_FACTORS[${factors[i]}]}; do
				for b in ${MATRIX_FACTORS[${factors[j]}]}; do
					((++PAIRS))
					[[ ${HAVE["$i $a $j $b"]-} ]] || {
						echo "no cell has $a and $b"
						return 1
					}
				done
			done
		done
	done
}

@test "the cells hold every pair" {
	pairs_have
	pairs_all
	((PAIRS == 2 * 4 + 2 * 4 + 2 * 2 + 2 * 3 + 4 * 4 + 4 * 2 + 4 * 3 + 4 * 2 + 4 * 3 + 2 * 3))
}

@test "cells of openssl s_client" {
	cells_run openssl
}

@test "cells of curl" {
	cells_run curl
}

@test "cells of gnutls-cli" {
	cells_run gnutls
}

large_run() { # VERSION CIPHER BACKEND
	matrix_cell "$1" "$2" both "$3"
	counters_mark
	MATRIX_SECONDS=300 matrix_exchange curl "$1" "$2" "$MATRIX_LARGE" >"$T/came"
	diff "$T/expected-large" "$T/came"
	wait_until 20 connection_has_ended
	expect_counted "$1"
	expect_grown end/closed 1
}

@test "64 MiB up and down in TLS 1.2" {
	large_run 1.2 gcm128 unix
}

@test "64 MiB up and down in TLS 1.3" {
	large_run 1.3 gcm256 tcp
}

# ---- the list ----

# A connection for every listener, of changing versions and ciphers, that stays.
connections_hold() {
	local k b v=1.2 c i=0
	local -a ciphers=(gcm128 chacha gcm256 ccm)
	for k in ${MATRIX_FACTORS[kernel]}; do
		for b in tcp unix; do
			c=${ciphers[i++ % 4]}
			matrix_cell "$v" "$c" "$k" "$b"
			matrix_client openssl "$v" "$c"
			spawn "hold-$LISTENER" "$HELPERS/converse" -t 300 -- "${CLIENT[@]}"
			echo "$v $c $k $b"
			[[ $v == 1.3 ]] && v=1.2 || v=1.3
		done
	done
}

connections_are_open() { # NUMBER
	[[ $(ctl list --own --json | grep -c '"state":"open"') == "$1" ]]
}

@test "ktlsctl list names every connection's version, cipher and modes, and why" {
	local v c k b
	local -A names=([gcm128]=aes-gcm-128 [gcm256]=aes-gcm-256 [chacha]=chacha20-poly1305
		[ccm]=aes-ccm-128)
	connections_hold >"$T/held"
	wait_until 60 connections_are_open 8
	ctl list --own --json >"$T/list"
	while read -r v c k b; do
		matrix_cell "$v" "$c" "$k" "$b"
		echo "$LISTENER $v ${names[$c]} $NAME ${MODE[tx]} ${WHY[tx]:-null}" \
			"${MODE[rx]} ${WHY[rx]:-null}"
	done <"$T/held" | sort >"$T/expected-list"
	jq -r '.connections[] | "\(.listener) \(.version) \(.cipher) \(.sni) \(.tx.mode) \(.tx.reason) \(.rx.mode) \(.rx.reason)"' \
		"$T/list" | sort | diff "$T/expected-list" -
	[[ $(jq -r '.connections[].cookie' "$T/list" | sort -u | wc -l) == 8 ]]
}
