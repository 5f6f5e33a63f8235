# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Memory of an idle connection: 10,000 of them, each after its handshake, one request and its answer, and
# each with its connection to the backend. In a guest, since one process holds more than 20,000
# descriptors; how fast it is does not matter here.
#
# "rss" is what all the server's processes have more of resident memory than before the first of the
# 10,000, by /proc/PID/smaps_rollup, after a few connections that came and went. "kernel" is what the
# machine's slab and its sockets' buffers have grown by, the client's and the backend's own sockets included:
# four TCP sockets for one connection of a proxy. Peers beside ktlsd and nginx-stream have fewer connections
# (MEMORY_FEW), as their handshakes take long under emulation.

MEMORY_MANY=' ktlsd-kernel ktlsd-user nginx-stream '
MEMORY_SUBJECTS=(ktlsd-kernel ktlsd-user nginx-stream nginx-http hitch haproxy stunnel)

memory_rss() { # PID...: sets RSS, in bytes
	local pid word kib rest
	RSS=0
	for pid; do
		while read -r word kib rest; do
			[[ $word != Rss: ]] || RSS=$((RSS + kib * 1024))
		done <"/proc/$pid/smaps_rollup"
	done
}

# Slab, and pages that sockets hold; percpu and vmalloc too, as kernel TLS and crypto may use them.
memory_kernel() {
	local word kib rest pages
	KERNEL=0
	while read -r word kib rest; do
		case $word in
		Slab: | VmallocUsed: | Percpu:) KERNEL=$((KERNEL + kib * 1024)) ;;
		esac
	done </proc/meminfo
	while read -r word rest; do
		[[ $word == TCP: ]] || continue
		pages=${rest##*mem }
		KERNEL=$((KERNEL + pages * 4096))
	done </proc/net/sockstat
}

memory_is_open() { # PORT COUNT
	(($(ss -Htn state established "sport = :$1" | wc -l) >= $2))
}

memory_is_closed() { # PORT
	[[ ! $(ss -Htn state established "sport = :$1" | head -n 1) ]]
}

memory_sample() { # SUBJECT ROUND
	local rss kernel line port client count=$MEMORY_FEW
	local -a pids
	[[ $MEMORY_MANY != *" $1 "* ]] || count=$MEMORY_COUNT
	server_start "$1" ecdsa "$IP:3000"
	port=$(server_port "$1")
	mapfile -t pids < <(server_pids "$1")
	client_begin "$1" "$BUILD/bench/connect" -n 64 -w 16 "$IP" "$port"
	client_go
	wait_until 30 memory_is_closed "$port" || die "$1 keeps connections"
	memory_rss "${pids[@]}"
	memory_kernel
	rss=$RSS kernel=$KERNEL
	client_begin "$1" "$BUILD/bench/connect" -k -n "$count" -w 32 -t 900 "$IP" "$port"
	client=$CLIENT_PROCESS
	echo go >&"$CLIENT_IN"
	read -r -t 1000 line <&"$CLIENT_OUT" || die "the client fails at $1" "$T/$1.log"
	[[ $line == "completed=$count failed=0 "* ]] || die "$1: $line" "$T/$1.log"
	memory_is_open "$port" "$count" || die "$1 does not hold the connections"
	cost_settle "${pids[@]}"
	mapfile -t pids < <(server_pids "$1")
	memory_rss "${pids[@]}"
	memory_kernel
	sample memory "$1" "$2" "rss_bytes=$(quotient $((RSS - rss)) "$count")" \
		"kernel_bytes=$(quotient $((KERNEL - kernel)) "$count")" "connections=$count"
	kill "$client"
	wait "$client" 2>/dev/null || true
	wait_until 120 memory_is_closed "$port" || die "$1 keeps connections"
	server_stop "$1"
}

memory_run() {
	MEMORY_COUNT=${MEMORY_COUNT:-10000} MEMORY_FEW=${MEMORY_FEW:-1000}
	backend_start "answer=$IP:3000"
	rounds "${ROUNDS:-1}" memory_sample "${MEMORY_SUBJECTS[@]}"
}
