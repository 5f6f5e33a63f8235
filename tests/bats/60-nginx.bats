#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The kernel-TLS connections of somebody else: nginx with OpenSSL's kTLS beside ktlsd. What
# `ktlsctl list` says of both is what ss(8) says.
#
# shellcheck disable=SC2034 # PORT and NAME are for matrix.bash

load lib
load matrix
load nginx
load sockets

BODY=1048583

setup_file() {
	expect_ktls || return 0
	suite_begin
	backend_start "http=tcp:$IP:3000"
	mkdir "$T/www"
	"$HELPERS/pattern" body down "$BODY" >"$T/www/body"
	nginx_start <<<"server { listen $IP:5443 ssl; ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers ALL; }"
	config_begin
	config_listener both 4001 "tcp:$IP:3000" "ktls: {tx: on, rx: on}"
	config_listener tx 4002 "tcp:$IP:3000" "ktls: {tx: on, rx: off}"
	config_listener none 4004 "tcp:$IP:3000" "ktls: {tx: off, rx: off}"
	daemon_start
}

teardown_file() {
	suite_end
}

setup() {
	tell_try
	expect_ktls || skip "this kernel has no TLS"
}

# An idle connection that stays; the cipher is a plain OpenSSL one.
hold() { # NAME PORT VERSION CIPHER
	PORT=$2 NAME=ecdsa.test
	matrix_client openssl "$3" gcm128
	CLIENT[-1]=$4
	spawn "$1" "$HELPERS/converse" -t 300 -- "${CLIENT[@]}"
}

sockets_are() { # NUMBER PORT...
	[[ $(ss_lines "${@:2}" | wc -l) == "$1" && $(list_lines "${@:2}" | wc -l) == "$1" ]]
}

@test "nginx's connections stand beside ktlsd's, with the modes that ss shows" {
	hold nginx-1 5443 1.2 ECDHE-ECDSA-AES128-GCM-SHA256
	hold nginx-2 5443 1.2 ECDHE-ECDSA-AES256-GCM-SHA384
	hold nginx-3 5443 1.2 ECDHE-ECDSA-CHACHA20-POLY1305
	hold nginx-4 5443 1.3 TLS_AES_128_GCM_SHA256
	hold both 4001 1.3 TLS_AES_256_GCM_SHA384
	hold tx 4002 1.2 ECDHE-ECDSA-AES128-GCM-SHA256
	wait_until 60 sockets_are 6 5443 4001 4002
	ss_lines 5443 4001 4002 >"$T/ss"
	list_lines 5443 4001 4002 >"$T/list"
	cat "$T/ss"
	diff "$T/ss" "$T/list"
	# OpenSSL 3.0 puts TLS 1.2 into the kernel both ways, TLS 1.3 for sending only
	[[ $(ss_lines 5443 | grep -c ' kernel kernel$') == 3 ]]
	[[ $(ss_lines 5443 | grep -c ' kernel none$') == 1 ]]
	[[ $(ss_lines 4001) == *" kernel kernel" && $(ss_lines 4002) == *" kernel none" ]]
}

@test "they have a version, a cipher and an owner" {
	hold nginx-1 5443 1.2 ECDHE-ECDSA-AES256-GCM-SHA384
	hold nginx-2 5443 1.3 TLS_CHACHA20_POLY1305_SHA256
	wait_until 60 sockets_are 2 5443
	[[ $(ctl list --json | jq -r '.connections[] | select(.local | endswith(":5443")) |
		"\(.owner) \(.listener) \(.version) \(.cipher) \(.tx.mode)"' | sort) == \
		"other null 1.2 aes-gcm-256 kernel
other null 1.3 chacha20-poly1305 kernel" ]]
	[[ $(ctl list --own --json | jq '.connections | length') == 0 ]]
}

# The master holds the listening socket, its worker the connections.
@test "diagnose counts what the children of nginx's master have" {
	local master text
	master=$(<"$T/nginx.run")
	hold nginx-1 5443 1.2 ECDHE-ECDSA-AES256-GCM-SHA384
	hold nginx-2 5443 1.3 TLS_AES_128_GCM_SHA256
	wait_until 60 sockets_are 2 5443
	ctl diagnose --json --pid "$master" >"$T/report" || (($? == 3))
	text=$(jq -r '.lines[] | select(.subject == "Process") | "\(.result): \(.text)"' "$T/report")
	echo "$text"
	[[ $text == "ok: nginx, pid $master, and its child $(pgrep -P "$master") have 2 kernel-TLS sockets" ]]
}

body_has_come() {
	(($(stat -c %s "$T/nginx-1.log") > BODY))
}

# Headers, 64 records of 16384 bytes, one of 7; tickets may come before, and sendfile may cut once
# more where its chunks end.
@test "records that nginx sent are counted" {
	local records
	printf 'GET /body HTTP/1.1\r\nHost: test\r\n\r\n' >"$T/request"
	PORT=5443 NAME=ecdsa.test
	matrix_client openssl 1.3 gcm128
	SPAWN_INPUT=$T/request spawn nginx-1 "${CLIENT[@]}"
	wait_until 60 body_has_come
	tail -c "$BODY" "$T/nginx-1.log" | cmp - "$T/www/body"
	records=$(ctl list --json | jq '.connections[] | select(.local | endswith(":5443")).tx.records')
	echo "$records records"
	((records >= 66 && records <= 72))
}

teardown() {
	local name
	expect_ktls || return 0
	for name in nginx-1 nginx-2 nginx-3 nginx-4 both tx; do
		stop "$name"
	done
	wait_until 20 tls_stat_is_idle
}
