#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# ktlsctl where no ktlsd runs: what root sees all the same, and that nothing of it stays behind.

load lib

setup_file() {
	suite_begin --no-certificates
}

teardown_file() {
	suite_end
}

setup() {
	tell_try
	[[ $EUID == 0 ]] || skip "needs root"
	expect_ktls || skip "this kernel has no TLS"
	[[ ! -e /run/ktlsd ]] || skip "a ktlsd is here"
	mkfifo "$T/pair.in"
	# shellcheck disable=SC2034 # it only has to be open
	exec {PAIR_FD}<>"$T/pair.in"
	SPAWN_INPUT=$T/pair.in spawn pair "$HELPERS/ktls_pair"
	wait_log pair '^READY$' 60
}

teardown() {
	[[ ! -e $T/pair.pid ]] || stop pair
	if [[ -e $T/denying.pid ]]; then
		stop denying
		rm -r /run/ktlsd
	fi
	rm -f "$T/pair.in"
}

alone() { # COMMAND...
	"$KTLSD_BUILD/ktlsctl" "$@" 2>"$T/stderr"
}

# What ktls_pair says of a socket of its.
said() { # subject|peer FIELD
	sed -nE "s/^socket=$1 .*\b$2=([0-9]+).*/\1/p" "$T/pair.log"
}

leaves_nothing() {
	[[ ! $(compgen -G '/run/ktlsctl.*') ]] && ! grep -q ' /run/ktlsctl' /proc/mounts &&
		[[ $(find /sys/fs/bpf -mindepth 1 2>/dev/null | wc -l) == "$1" ]]
}

@test "root lists sockets with their owner and shows one" {
	local pins cookie
	pins=$(find /sys/fs/bpf -mindepth 1 2>/dev/null | wc -l)
	cookie=$(said subject cookie)
	alone list --json >"$T/list"
	grep -q 'ktlsd is not running' "$T/stderr"
	[[ $(jq ".connections[] | select(.cookie == $cookie) | .process.pid" "$T/list") == \
		"$(spawned pair)" ]]
	[[ $(alone list --owner ktls_pair --no-headings -o cookie | wc -l) == 2 ]]
	alone show "$cookie" | grep -q '^Owner *ktls_pair, pid'
	leaves_nothing "$pins"
}

@test "top shows its rates" {
	alone top --batch -n 2 -d 200ms -o records/s,owner --no-headings >"$T/top"
	grep -qE '^ *[0-9]+ ktls_pair$' "$T/top"
}

@test "diagnose says what it sees and what it cannot" {
	local code=0
	alone diagnose --json >"$T/report" || code=$?
	[[ $code == "$(jq 'if .findings > 0 then 3 else 0 end' "$T/report")" ]]
	[[ $(jq -r '.lines[] | select(.subject == "ktlsd").result' "$T/report") == unknown ]]
	[[ $(jq -r '.lines[] | select(.subject == "Module tls").result' "$T/report") == ok ]]
	jq -r '.lines[] | select(.subject == "Sockets").text' "$T/report" | grep -q '^ktls_pair, 2 sockets'
	# what was never asked for cannot be told without the kernel programs
	spawn idle sleep 60
	alone diagnose --json --pid "$(spawned idle)" >"$T/report" || true
	stop idle
	[[ $(jq -r '.lines[] | select(.subject == "Process").result' "$T/report") == unknown ]]
}

@test "others than root are told what to do" {
	local code=0
	setpriv --reuid 65534 --clear-groups "$KTLSD_BUILD/ktlsctl" list 2>"$T/stderr" || code=$?
	[[ $code == 2 ]]
	grep -q 'ktlsd is not running' "$T/stderr"
}

as_nobody() { # COMMAND...
	setpriv --reuid 65534 --regid 65534 --clear-groups "$KTLSD_BUILD/ktlsctl" "$@" 2>"$T/stderr"
}

@test "who may not ask ktlsd still sees what there is to see" {
	local code=0
	mkdir -m 755 /run/ktlsd
	: >"$T/answers"
	spawn denying "$HELPERS/replay" /run/ktlsd/api.sock "$T/answers" "$T/calls"
	wait_log denying '^READY$' 60
	chgrp daemon /run/ktlsd/api.sock
	chmod 660 /run/ktlsd/api.sock
	as_nobody probe >"$T/probe" || code=$?
	cat "$T/stderr" "$T/probe"
	[[ $code == 0 || $code == 3 ]]
	grep -q '^kTLS *yes' "$T/probe"
	grep -q "members of the group 'daemon'" "$T/stderr"
	code=0
	as_nobody diagnose >"$T/report" || code=$?
	cat "$T/stderr" "$T/report"
	[[ $code == 0 || $code == 3 ]]
	grep -q '^+ Probe' "$T/report"
	grep -q '^[?] Sockets' "$T/report"
	grep -q "members of the group 'daemon'" "$T/stderr"
	code=0
	as_nobody list || code=$?
	[[ $code == 1 ]]
}

# What `stty -g` has said, before and after.
terminal_states() {
	tr -d '\r' <"$T/screen.log" | grep -oE '[0-9a-f]+:[0-9a-f]+:[0-9a-f:]+$'
}

screen_has_ended() {
	[[ $(terminal_states | wc -l) == 2 ]]
}

@test "top draws, answers its keys and gives the terminal back" {
	mkfifo "$T/keys"
	exec {KEYS_FD}<>"$T/keys"
	# shellcheck disable=SC2016 # for the shell in there
	SPAWN_INPUT=$T/keys TERM=xterm spawn screen script -qefc \
		'stty rows 24 cols 100; stty -g; "$KTLSD_BUILD/ktlsctl" top 2>/dev/null; echo "code=$?"; stty -g' /dev/null
	wait_until 60 log_has screen 'RECORDS/S'
	printf h >&"$KEYS_FD"
	wait_until 20 log_has screen 'this help'
	printf xq >&"$KEYS_FD"
	wait_until 20 log_has screen 'code=0'
	exec {KEYS_FD}>&-
	wait_until 20 screen_has_ended
	[[ $(terminal_states | sort -u | wc -l) == 1 ]]
	rm -f "$T/keys"
}
