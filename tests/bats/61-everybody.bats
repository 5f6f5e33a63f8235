#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Who has kernel-TLS sockets: nginx, openssl s_server, ktlsd and somebody in another network
# namespace, some of them before there were kernel programs. What `ktlsctl list` says of each is
# true, equals ss(8), and adds up to /proc/net/tls_stat.
#
# shellcheck disable=SC2034 # PORT and NAME are for matrix.bash

load lib
load nginx
load sockets

# Connections of each owner, half of them in TLS 1.2.
EACH=$([[ ${MATRIX-} == full ]] && echo 50 || echo 8)

setup_file() {
	expect_ktls || return 0
	suite_begin
	backend_start "http=tcp:$IP:3000"
	nginx_start <<-END
		server { listen $IP:5442 ssl; ssl_protocols TLSv1.2; }
		server { listen $IP:5443 ssl; ssl_protocols TLSv1.3; }
	END
	# an own configuration is the only way to OpenSSL 3.0's kTLS in s_server
	printf '%s\n' 'openssl_conf = a' '[a]' 'ssl_conf = b' '[b]' 'system_default = c' '[c]' \
		'Options = KTLS' >"$T/openssl.cnf"
	# standard input for who ends with it
	mkfifo "$T/open"
	sleep infinity >"$T/open" 3>&- &
	process_started $! || STARTED=0
	echo "$! $STARTED" >"$T/open.pid"
	namespace_begin
	# older than the programs
	hold nginx-old 5442 $((EACH / 2))
	s_servers 1 $((EACH / 2)) -tls1_2
	config_begin
	config_listener web2 4012 "tcp:$IP:3000" "ktls: {tx: on, rx: on}" "versions: ['1.2']"
	config_listener web3 4013 "tcp:$IP:3000" "ktls: {tx: on, rx: on}" "versions: ['1.3']"
	daemon_start
	observer_start
	hold nginx-new 5443 $((EACH / 2))
	s_servers $((EACH / 2 + 1)) "$EACH" -tls1_3
	hold ktlsd-2 4012 $((EACH / 2))
	hold ktlsd-3 4013 $((EACH / 2))
}

teardown_file() {
	expect_ktls || return 0
	ip netns del "$NETNS" 2>/dev/null || true
	suite_end
}

setup() {
	tell_try
	expect_ktls || skip "this kernel has no TLS"
	NETNS=$(basename "$T")
	PORTS=(4012 4013 5442 5443)
	local i
	for ((i = 1; i <= EACH; i++)); do
		PORTS+=($((6000 + i)))
	done
}

# That many connections to a port, which stay; with -r to as many ports from there on.
hold() { # NAME PORT COUNT [-r]
	spawn "$1" "$HELPERS/stall" -s "${@:4}" "$IP" "$2" "$3" 0
	wait_log "$1" "^READY open=$3 refused=0$" 120
}

# s_server serves one connection at a time: as many of them, each at a port of its own.
s_servers() { # FIRST LAST VERSION
	local i
	for ((i = $1; i <= $2; i++)); do
		OPENSSL_CONF=$T/openssl.cnf SPAWN_INPUT=$T/open spawn "s_server-$i" openssl s_server -quiet "$3" \
			-accept "$IP:$((6000 + i))" -cert "$T/ecdsa.test.pem" \
			-key "$T/ecdsa.test.key"
	done
	wait_until 120 listen_all "$1" "$2"
	hold "clients-$1" $((6000 + $1)) $(($2 - $1 + 1)) -r
}

listen_all() { # FIRST LAST
	[[ $(ss -HOntl "src $IP and sport >= :$((6000 + $1)) and sport <= :$((6000 + $2))" |
		wc -l) == $(($2 - $1 + 1)) ]]
}

namespace_begin() {
	local NETNS
	NETNS=$(basename "$T")
	ip netns add "$NETNS"
	ip -n "$NETNS" link set lo up
	SPAWN_INPUT=$T/open spawn pair ip netns exec "$NETNS" "$HELPERS/ktls_pair" -V 1.2 -n 3
	wait_log pair '^READY$'
}

@test "each socket has its owner, process, version, cipher and modes" {
	# OpenSSL 3.0 puts TLS 1.2 into the kernel both ways, TLS 1.3 for sending only
	cat >"$T/expected" <<-END
		$((EACH / 2)) 4012 ktlsd null 1.2 kernel kernel
		$((EACH / 2)) 4013 ktlsd null 1.3 kernel kernel
		$((EACH / 2)) 5442 other nginx 1.2 kernel kernel
		$((EACH / 2)) 5443 other nginx 1.3 kernel none
		$((EACH / 2)) 6xxx other openssl 1.2 kernel kernel
		$((EACH / 2)) 6xxx other openssl 1.3 kernel none
	END
	list_rows '"\(.local | sub(".*:"; "") | sub("6.*"; "6xxx")) \(.owner) \(.process.comm)" +
		" \(.version) \(.tx.mode) \(.rx.mode)"' | sed -n '/^\(401\|544\|6xxx\)/p' |
		sed 's/ ktlsd ktlsd-server / ktlsd null /' | sort | uniq -c |
		awk '{ $1 = $1; print }' | diff "$T/expected" -
	[[ $(list_rows 'select(.owner == "other") | .cipher' | sort -u) == aes-* ]]
	# the program that set the keys is known of those that are not older than the programs
	[[ $(list_rows 'select(.local | endswith(":5443")) | .installer.comm' | sort | uniq -c |
		awk '{ print $1, $2 }') == "$((EACH / 2)) nginx" ]]
	[[ $(list_rows 'select(.local | endswith(":5442")) | .installer' | sort -u) == null ]]
}

@test "they are those of ss, with the same modes" {
	ss_lines "${PORTS[@]}" >"$T/ss"
	list_lines "${PORTS[@]}" | diff "$T/ss" -
	[[ $(wc -l <"$T/ss") == $((3 * EACH)) ]]
}

# Where the kernel had sockets before, or is closing some, the walk and its counters meet again.
gauges_agree() {
	ctl stats --json | jq -e '[.tls_stat[] | select(.name | startswith("TlsCurr"))] |
		length == 4 and all(.ours == .value) and any(.value > 0)'
}

@test "their sum is that of /proc/net/tls_stat, and that of the groups" {
	wait_until 20 gauges_agree
	[[ $(ctl stats --json | jq '[.sockets[] | select(.direction == "tx" and .owner == "ktlsd") |
		.sockets] | add') == "$EACH" ]]
}

@test "sockets of another network namespace are seen on demand, with who holds them" {
	local netns port
	netns=$(ip netns exec "$NETNS" stat -L -c %i /proc/self/ns/net)
	port=$(sed -n 's/^socket=subject .* local_port=\([0-9]*\) .*/\1/p' "$T/pair.log")
	[[ $(list_rows 'select(.netns != null) | .netns') == '' ]]
	list_rows 'select(.netns != null) |
		"\(.netns) \(.owner) \(.process.comm) \(.version) \(.tx.mode) \(.rx.mode) \(.tx.records)"' \
		--all-namespaces | sort >"$T/others"
	cat "$T/others"
	diff <(yes "$netns other ktls_pair 1.2 kernel kernel 3" | head -n 2) "$T/others"
	[[ $(list_rows 'select(.netns != null) | .local' --all-namespaces) == *":$port"* ]]
}

@test "a socket of ktlsd's that has just closed is nobody else's" {
	local i pid
	for i in {1..5}; do
		spawn brief "$HELPERS/stall" "$IP" 4013 8 1
		wait_log brief '^READY open=8'
		pid=$(spawned brief)
		kill -KILL "$pid"
		list_rows 'select(.owner == "other") | .local' >"$T/others"
		run ! grep -E ':401[23]$' "$T/others"
		stop brief KILL
	done
}
