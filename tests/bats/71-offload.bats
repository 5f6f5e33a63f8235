#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Why records are not on the network device, or not even in the kernel: each fault shows its own
# reason within a second in `ktlsctl list`, `events` and `diagnose`, and goes away by its remedy. The
# sockets belong to another program, most of them in network namespaces of their own.
#
# shellcheck disable=SC2030,SC2031,SC2154 # each test has its ROW; NIC and SUBJECT come from tlsnic.bash

load lib
load tlsnic

# What it may take until a fault is told.
LIMIT_MS=1000

setup_file() {
	expect_ktls && [[ ${KTLSD_TLSNIC-} ]] || return 0
	suite_begin --no-certificates
	tlsnic_load
	# this one is older than the programs
	tlsnic_set add_error_tx 12
	PAIR=old tlsnic_pair_start
	config_begin
	daemon_start
	observer_start
	log_has ktlsd 'msg="programs watch'
	remember old
	tlsnic_reset
	follower_start
}

teardown_file() {
	# the follower ends with it
	[[ ! ${T-} ]] || stop ktlsd
	[[ ! ${T-} ]] || wait_until 20 has_ended follower
	suite_end
	[[ ! ${KTLSD_TLSNIC-} ]] || tlsnic_unload
}

setup() {
	tell_try
	tlsnic_need
}

teardown() {
	[[ ! ${T-} ]] || tlsnic_reset
	[[ ! -e $T/trouble.pid ]] || stop trouble
	echo /sbin/modprobe >/proc/sys/kernel/modprobe
	[[ ! -e /run/netns/$NIC_A ]] || ip -n "$NIC_A" link del other0 2>/dev/null || true
}

has_ended() { # NAME
	! is_running "$1"
}

# Each event as it comes: "SECONDS JSON".
follower_start() {
	# shellcheck disable=SC2016 # for that shell
	spawn follower bash -c '"$@" | while read -r line; do echo "$EPOCHREALTIME $line"; done' _ \
		"$KTLSD_BUILD/ktlsctl" events --follow --json --socket "$T/run/api.sock"
}

# Sets COOKIE to the subject's.
cookie_of() { # SUBJECT|PEER line
	[[ $1 =~ \ cookie=([0-9]+)\  ]]
	COOKIE=${BASH_REMATCH[1]}
}

# Sets ROW to what list says of the socket now; fails if it is not there.
row_read() {
	ROW=$(ctl list --all-namespaces --json | grep -F "\"cookie\":$COOKIE,")
	[[ $ROW ]]
}

remember() { # NAME
	cookie_of "$SUBJECT"
	row_read
	echo "$ROW" >"$T/$1.row"
}

# True if ROW says so of the direction: "MODE REASON ERRNO", "-" for what it does not say. The reason
# is why it is not on the device, or not in the kernel either.
row_has() { # tx|rx MODE REASON ERRNO
	local direction reason='"(offload|reason)":"([^"]*)"' error='"(offload_)?errno":"([^"]*)"'
	[[ $ROW =~ \"$1\":\{([^}]*)\} ]] || return 1
	direction=${BASH_REMATCH[1]}
	[[ $direction == *"\"mode\":\"$2\""* ]] || return 1
	[[ $direction =~ $reason ]] && reason=${BASH_REMATCH[2]} || reason=-
	[[ $direction =~ $error ]] && error=${BASH_REMATCH[2]} || error=-
	[[ "$reason $error" == "$3 $4" ]]
}

# Runs it until it has taken no longer than it may: the machine may have others to serve. What it
# finds it must find the first time, and each time: so what is told is true of that moment.
answers_in_time() { # WHAT COMMAND...
	local began ms=$((LIMIT_MS + 1)) deadline=$((SECONDS + 30))
	while ((ms > LIMIT_MS && SECONDS < deadline)); do
		began=${EPOCHREALTIME/./}
		"${@:2}" || return
		ms=$(((${EPOCHREALTIME/./} - began) / 1000))
	done
	echo "# $BATS_TEST_NUMBER: $1 in $ms ms" >&3
	((ms <= LIMIT_MS))
}

is_listed() { # tx|rx MODE REASON ERRNO
	row_read && row_has "$@"
}

# Who asks now is told, within a second.
shows() { # tx|rx MODE REASON [ERRNO]
	answers_in_time "list: $*" is_listed "$1" "$2" "$3" "${4--}" && return
	echo "not '$*' but: $ROW"
	return 1
}

# The same of what follows from packets, which have to be sent first.
comes_to_show() { # tx|rx MODE REASON
	wait_until 5 is_listed "$@" -
	shows "$@"
}

# Sets EVENT to one of that kind, of our socket, in which each TEXT is, or after "!" is not.
event_has() { # EVENT DIRECTION [TEXT]...
	local text
	while read -r EVENT; do
		for text in "\"event\":\"$1\"" "\"direction\":\"$2\"" "${@:3}"; do
			if [[ $text == !* ]]; then
				[[ $EVENT != *"${text#!}"* ]] || continue 2
			else
				[[ $EVENT == *"$text"* ]] || continue 2
			fi
		done
		return 0
	done < <(grep -F "\"cookie\":$COOKIE," "$T/follower.log")
	return 1
}

# Who follows is told, within a second of the kernel's own time for it.
event_comes() { # EVENT DIRECTION [TEXT]...
	local came happened ms
	wait_until 5 event_has "$@" || {
		echo "no event $*:"
		grep -F "\"cookie\":$COOKIE," "$T/follower.log"
		return 1
	}
	came=${EVENT%% *}
	[[ $EVENT =~ \"time\":\"([^\"]*)\" ]]
	happened=$(date -d "${BASH_REMATCH[1]}" +%s%3N)
	ms=$((${came/./} / 1000 - happened))
	echo "# $BATS_TEST_NUMBER: events: $1 $2 in $ms ms" >&3
	((ms <= LIMIT_MS))
}

diagnosis_has() { # REASON
	local status=0
	ctl diagnose >"$T/diagnosis" || status=$?
	[[ $status == 3 && $(<"$T/diagnosis") == *"$1"* ]]
}

# Who asks for a diagnosis now is told, within a second.
diagnosis_names() { # REASON
	answers_in_time "diagnose: $1" diagnosis_has "$1" && return
	echo "no $1, or not in time, in:"
	cat "$T/diagnosis"
	return 1
}

start() { # [OPTION...]
	tlsnic_pair_start "$@"
	cookie_of "$SUBJECT"
}

@test "a socket on the device is called so, both ways" {
	start
	tlsnic_send 10
	shows tx device -
	shows rx device -
	[[ $(jq -r '"\(.tx.device) \(.rx.device) \(.egress) \(.process.comm) \(.installer.comm)"' \
		<<<"${ROW%,}") == "tlsnic0 tlsnic0 tlsnic0 ktls_pair ktls_pair" ]]
	[[ $(jq '.tx.records, .rx.records' <<<"${ROW%,}" | paste -sd ' ') == "10 10" ]]
	event_comes device tx '!"error"' '"device":"tlsnic0"'
	event_comes device rx '!"error"'
}

@test "keys that are older than the programs are not guessed about" {
	ROW=$(<"$T/old.row")
	row_has tx kernel device-not-seen -
	row_has rx device - -
	[[ $(jq '.since_ms' <<<"${ROW%,}") == null ]]
}

@test "a device that has no TLS" {
	ip -n "$NIC_A" link set lo up
	tlsnic_pair_start -N "$NIC_A:$NIC_A" -a 127.0.0.1
	cookie_of "$SUBJECT"
	shows tx kernel device-no-feature EOPNOTSUPP
	shows rx kernel device-no-feature EOPNOTSUPP
	[[ $(jq -r .egress <<<"${ROW%,}") == lo ]]
}

@test "a feature that is switched off, and its remedy" {
	tlsnic_feature tlsnic0 tx off
	start
	shows tx kernel device-feature-off EOPNOTSUPP
	shows rx device -
	event_comes device tx '"error":"EOPNOTSUPP"' '"reason":"device-feature-off"'
	diagnosis_names device-feature-off
	tlsnic_pair_stop
	tlsnic_feature tlsnic0 tx on
	tlsnic_feature tlsnic0 rx off
	start
	shows tx device -
	shows rx kernel device-feature-off EOPNOTSUPP
	tlsnic_pair_stop
	tlsnic_feature tlsnic0 rx on
	start
	shows rx device -
}

@test "what Linux gives no device" {
	start -V 1.3
	shows tx kernel device-version EOPNOTSUPP
	shows rx kernel device-version EOPNOTSUPP
	tlsnic_pair_stop
	start -c aes-ccm-128
	shows tx kernel device-cipher EINVAL
}

@test "a driver that refuses, and its remedy" {
	tlsnic_set add_error_tx 12
	tlsnic_set add_error_rx 28
	start
	tlsnic_send 5
	shows tx kernel device-refused ENOMEM
	shows rx kernel device-refused ENOSPC
	event_comes device tx '"error":"ENOMEM"' '"reason":"device-refused"'
	event_comes device rx '"error":"ENOSPC"' '"reason":"device-refused"'
	diagnosis_names device-refused
	tlsnic_pair_stop
	tlsnic_set add_error_tx 0
	tlsnic_set add_error_rx 0
	start
	shows tx device -
	shows rx device -
}

@test "a device that goes down under a connection, which ss does not tell" {
	start
	tlsnic_flow_start
	tlsnic_counters_read tlsnic0
	wait_until 20 tlsnic_counter_is tlsnic0 tx_tls_encrypted_packets -gt \
		"$((NIC[tx_tls_encrypted_packets] + 50))"
	tlsnic_down tlsnic0
	shows tx kernel device-lost
	shows rx kernel device-lost
	[[ $(jq '.degraded' <<<"${ROW%,}") == true ]]
	tlsnic_expect "hw hw" "hw hw"
	ctl events --json | jq -es 'any(.event == "device-down" and .device == "tlsnic0")' >/dev/null
	diagnosis_names device-lost
	tlsnic_pair_stop
	tlsnic_up tlsnic0
	start
	shows tx device -
}

@test "a device that is down when the keys come in, and its remedy" {
	tlsnic_pair_prepare
	tlsnic_down tlsnic0
	tlsnic_pair_continue
	cookie_of "$SUBJECT"
	shows tx kernel device-down EOPNOTSUPP
	diagnosis_names device-down
	tlsnic_pair_stop
	tlsnic_up tlsnic0
	start
	shows tx device -
}

# What `ip route get` says, as the remedy has it.
route_device() {
	tlsnic_in tlsnic0 ip -o route get 10.77.0.2 2>&1 | sed -n 's/.* dev \([^ ]*\) .*/\1/p'
}

# As start, with these steps between connection and keys.
start_after() { # STEP...
	local step
	for step; do
		tlsnic_tell "$step"
		tlsnic_answer "$step"
	done
	tlsnic_pair_continue
	cookie_of "$SUBJECT"
}

@test "a route that is gone when the keys come in, and its remedy" {
	tlsnic_pair_prepare
	ip -n "$NIC_A" route del 10.77.0.0/24 dev tlsnic0
	# the answer finds no way out, and the socket forgets its route
	start_after greet
	shows tx kernel device-no-route EINVAL
	shows rx kernel device-no-route EINVAL
	event_comes device tx '"error":"EINVAL"' '"reason":"device-no-route"'
	event_comes device rx '"error":"EINVAL"' '"reason":"device-no-route"'
	diagnosis_names device-no-route
	[[ $(route_device) == '' ]]
	tlsnic_pair_stop
	ip -n "$NIC_A" route add 10.77.0.0/24 dev tlsnic0
	[[ $(route_device) == tlsnic0 ]]
	start
	shows tx device -
	shows rx device -
}

@test "a program that lets its socket forget the route before the keys come in" {
	tlsnic_pair_prepare
	start_after mark
	shows tx kernel device-no-route EINVAL
	shows rx kernel device-no-route EINVAL
	# with a packet in between all is well
	tlsnic_pair_stop
	tlsnic_pair_prepare
	start_after mark greet
	shows tx device -
	shows rx device -
}

@test "no memory for what stands by for the device, and its remedy" {
	tlsnic_set crypto_error 12
	start
	tlsnic_send 5
	shows tx kernel device-crypto ENOMEM
	shows rx device -
	event_comes device tx '"error":"ENOMEM"' '"reason":"device-crypto"'
	diagnosis_names device-crypto
	tlsnic_pair_stop
	tlsnic_set crypto_error 0
	start
	shows tx device -
}

# What the kernel itself asks for modules: to the first who wants gcm(aes), and that is the device's
# stand-in, it says that there is none, as while drivers are still being loaded.
late_modprobe() {
	rm -f "$T/modprobe.asked"
	cat >"$T/modprobe" <<-'END'
	#!/bin/sh
	echo "$*" >>"$0.asked"
	case $* in *aes* | *gcm*)
		[ "$(grep -c 'crypto-gcm(aes)$' "$0.asked")" -ge 2 ] || exit 1 ;;
	esac
	exec /sbin/modprobe "$@"
	END
	chmod 755 "$T/modprobe"
	echo "$T/modprobe" >/proc/sys/kernel/modprobe
}

drivers_are_gone() {
	local module
	for module in gcm aesni_intel ghash_clmulni_intel ghash_generic; do
		[[ ! -d /sys/module/$module ]] || modprobe -q -r "$module" || return
	done
}

@test "the driver of gcm(aes) is still being loaded, and its remedy" {
	local remedy
	! grep -qx 'driver *: gcm-aes-lib' /proc/crypto || skip "this kernel has gcm(aes) built in"
	wait_until 20 drivers_are_gone
	late_modprobe
	start
	tlsnic_send 5
	shows tx kernel device-crypto ENOENT
	event_comes device tx '"error":"ENOENT"' '"reason":"device-crypto"'
	diagnosis_names device-crypto
	tlsnic_pair_stop
	# the remedy as it is printed, when all is gone again and would be as late as before
	wait_until 20 drivers_are_gone
	late_modprobe
	remedy=$(ctl explain device-crypto | tr -s '\n ' ' ' | grep -o "modprobe -a [a-z_ ]*")
	echo "$remedy"
	$remedy
	start
	tlsnic_send 5
	shows tx device -
}

# Steps of tests/helpers/ktls_trouble, which then holds its sockets. Sets COOKIE.
trouble_start() { # STEP...
	rm -f "$T/trouble.in"
	mkfifo "$T/trouble.in"
	exec {TROUBLE_FD}<>"$T/trouble.in"
	SPAWN_INPUT=$T/trouble.in spawn trouble "$HELPERS/ktls_trouble" connect ulp "$@" cookie hold
	wait_log trouble '^step=cookie error=0$'
	exec {TROUBLE_FD}>&-
	COOKIE=$(sed -n 's/^cookie=//p' "$T/trouble.log")
}

@test "a key that the kernel does not know" {
	trouble_start keys-strange
	log_has trouble '^step=keys-strange error=EINVAL$'
	shows tx none ktls-key-refused EINVAL
	shows rx none ktls-no-key
	event_comes keys tx '"error":"EINVAL"' '"reason":"ktls-key-refused"' '"comm":"ktls_trouble"'
	diagnosis_names ktls-key-refused
	stop trouble
	# one that it knows is taken, though another was refused before
	trouble_start keys-strange keys-tx
	shows tx kernel device-no-feature EOPNOTSUPP
}

@test "a key whose cipher has no driver, and its remedy" {
	local remedy
	wait_until 20 modprobe -q -r ccm
	echo /bin/false >/proc/sys/kernel/modprobe
	trouble_start keys-ccm
	log_has trouble '^step=keys-ccm error=ENOENT$'
	shows tx none ktls-key-refused ENOENT
	event_comes keys tx '"error":"ENOENT"' '"reason":"ktls-key-refused"' '"comm":"ktls_trouble"'
	diagnosis_names ktls-key-refused
	stop trouble
	remedy=$(ctl explain ktls-key-refused | tr -s '\n ' ' ' | grep -o "modprobe ccm")
	$remedy
	trouble_start keys-ccm
	shows tx kernel device-no-feature EOPNOTSUPP
}

@test "packets that leave through another device, and its remedy" {
	start -d tx
	tlsnic_send 5
	shows tx device -
	ip -n "$NIC_A" link add other0 type dummy
	ip -n "$NIC_A" link set other0 up
	ip -n "$NIC_A" route add 10.77.0.2/32 dev other0
	tlsnic_tell "push 3"
	comes_to_show tx device device-other-egress
	event_comes soft-packet tx '"reason":"device-other-egress"'
	diagnosis_names device-other-egress
	tlsnic_pair_stop
	ip -n "$NIC_A" link del other0
	[[ $(route_device) == tlsnic0 ]]
	start -d tx
	tlsnic_send 5
	shows tx device -
}

@test "kernel and device that get out of step are told" {
	tlsnic_set tx_resync_every 25
	start
	tlsnic_send 60
	event_comes resync tx
	tlsnic_set tx_resync_every 0
	tlsnic_set rx_desync_every 50
	tlsnic_send 100
	cookie_of "$PEER"
	event_comes resync rx
	row_read
	(($(jq '.rx.resyncs' <<<"${ROW%,}") >= 1))
	[[ $(jq '.rx.errors' <<<"${ROW%,}") == 0 ]]
}

@test "records that were damaged on the way are told, with their socket" {
	start -d tx
	tlsnic_send 5
	tlsnic_set corrupt_every 10
	tlsnic_send_fails 20 EBADMSG
	cookie_of "$PEER"
	event_comes error rx '"error":"EBADMSG"' '"mode":"device"' '"reason":"bad-record-mac"'
}
