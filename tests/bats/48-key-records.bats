#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# No sending key protects more records than it may: it is changed in time, or the connection ends in
# order. With a limit so low that a download of a few MB reaches it many times.

load lib
load evil

# shellcheck disable=SC2034 # for evil.bash
PORTS=(user=4001 kernel=4002 files-user=4003 files-kernel=4004)
BODY=8388608 # 512 full records
SHORT=1310720 # 80
LIMIT=40

setup_file() {
	suite_begin
	mkdir "$T/www"
	"$HELPERS/pattern" body down "$BODY" >"$T/www/$BODY"
	chmod 755 "$T/www"
	sha256sum <"$T/www/$BODY" >"$T/expected"
	backend_start "http=tcp:$IP:3000"
	config
	daemon_start
}

teardown_file() {
	suite_end
}

config() {
	local name kind
	config_begin "workers: 1" "limits: {key-records: $LIMIT}" "metrics: $IP:9464"
	for name in "${PORTS[@]%=*}"; do
		port "$name"
		kind=tcp:$IP:3000
		[[ $name != files-* ]] || kind=files:$T/www
		if [[ $name == *user ]]; then
			config_listener "$name" "$PORT" "$kind" "ktls: {tx: off, rx: off}"
		else
			config_listener "$name" "$PORT" "$kind" "ktls: {tx: on, rx: on}"
		fi
	done
}

listeners() {
	local layer
	for layer in $(layers); do
		echo "$layer" "files-$layer"
	done
}

can_change_keys() { # LISTENER VERSION
	[[ $2 == 1.3 && $1 == *user ]] || { [[ $2 == 1.3 ]] && expect_rekey; }
}

# What was saved is an HTTP head, and then the body's first LEN bytes.
saved_is_beginning() {
	local head
	head=$(awk 'BEGIN { RS = "\r\n" } { n += length($0) + 2 } $0 == "" { print n; exit }' "$T/saved")
	tail -c "+$((head + 1))" "$T/saved" >"$T/body"
	LEN=$(stat -c %s "$T/body")
	head -c "$LEN" "$T/www/$BODY" | cmp - "$T/body"
}

# ktlsd itself wanted so many new keys, says /metrics, which may be a moment old.
metrics_say() { # RESULT NUMBER
	curl -fsS "http://$IP:9464/metrics" |
		grep -qx "ktlsd_rekeys_total{direction=\"tx\",initiator=\"local\",result=\"$1\"} $2"
}

updates_are() { # NUMBER
	counters_read && ((COUNT["rekeys_tx"] == $1))
}

updated_in_time() { # LISTENER
	local before seen turn=32
	counters_read && before=${COUNT[rekeys_tx]}
	client "$1" -v 1.3 "save=$T/saved" handshake "get=$BODY" "read=$BODY" record=21:0100 read
	saved_is_beginning
	seen=$(grep -cx update "$T/seen")
	echo "$1: $seen updates, body of $LEN"
	# it is looked at after a turn, or a sendfile() of 2 MiB
	[[ $1 != files-kernel ]] || turn=128
	((LEN == BODY && seen >= 512 / (LIMIT + turn + 1) && seen <= 512 / LIMIT))
	expect_end reason=closed "tx=${1#files-}"
	wait_until 10 updates_are $((before + seen))
	wait_until 10 metrics_say ok $((before + seen))
}

@test "a sending key is updated before it is spent, and the body is whole" {
	local name
	for name in $(listeners); do
		! can_change_keys "$name" 1.3 || updated_in_time "$name"
	done
}

ends_in_order() { # LISTENER VERSION
	client "$1" -v "$2" "save=$T/saved" handshake "get=$BODY" read
	saved_is_beginning
	echo "$1, TLS $2: body of $LEN"
	# some records are short, so that it may have been less than the limit of whole ones
	((LEN >= LIMIT * 4096 && LEN < (LIMIT + 100) * 16384))
	[[ $(tail -n 2 "$T/seen") == "alert 1 0"$'\n'eof ]]
	run ! grep -x update "$T/seen"
	expect_end reason=key-spent "tx=${1#files-}" alert_sent=0
}

@test "where keys cannot change, what was accepted is sent, then close_notify" {
	local name version
	for version in 1.2 1.3; do
		for name in $(listeners); do
			can_change_keys "$name" "$version" || ends_in_order "$name" "$version"
		done
	done
	counters_read
	wait_until 10 metrics_say refused "${COUNT[end/key-spent]}"
}

# gnutls-cli prints some 300 KB/s, not more.
gnutls_body() { # LENGTH
	printf 'GET /%s HTTP/1.1\r\nHost: ecdsa.test\r\nConnection: close\r\n\r\n' "$1" |
		gnutls-cli --port "$PORT" --priority NORMAL:-VERS-ALL:+VERS-TLS1.3 --x509cafile "$T/ca.pem" \
			--logfile=/dev/null --sni-hostname ecdsa.test --verify-hostname ecdsa.test "$IP" >"$T/saved"
}

@test "OpenSSL and GnuTLS follow the updates" {
	local name before
	for name in $(listeners); do
		can_change_keys "$name" 1.3 || continue
		port "$name"
		curl --silent --show-error --fail --max-time 60 --tlsv1.3 --resolve "ecdsa.test:$PORT:$IP" \
			--cacert "$T/ca.pem" "https://ecdsa.test:$PORT/$BODY" | sha256sum | cmp - "$T/expected"
		[[ $name != files-* ]] || continue
		counters_read && before=${COUNT[rekeys_tx]}
		gnutls_body "$SHORT"
		saved_is_beginning
		((LEN == SHORT))
		wait_until 10 updates_are $((before + 1))
	done
}
