#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The capabilities of dashboards/kubernetes/daemonset.yaml: with them the observer does all it can, and
# without any one of them it says which is missing.

load lib

DAEMONSET=$BATS_TEST_DIRNAME/../../dashboards/kubernetes/daemonset.yaml

setup_file() {
	suite_begin --no-certificates
	config_begin
	capabilities_read
}

teardown_file() {
	suite_end
}

setup() {
	tell_try
	expect_ktls || skip "this kernel has no TLS"
	capabilities_read
}

teardown() {
	stop ktlsd || stop ktlsd KILL
	umount "$T/run/bpf" 2>/dev/null || true
	# another group's from the beginning, or there would be nothing to change
	rm -rf "$T/run"
}

# Sets CAPABILITIES to what the manifest adds.
capabilities_read() {
	mapfile -t CAPABILITIES < <(sed -n '/^ *add:/,/^ *seccompProfile:/s/^ *- \([A-Z_]\{1,\}\).*/\1/p' "$DAEMONSET")
	((${#CAPABILITIES[@]}))
}

# As a container runtime does: root of which only these are left.
spawn_with() { # CAPABILITY...
	local set=-all name
	for name; do
		set+=,+${name,,}
	done
	spawn ktlsd setpriv --inh-caps=-all --bounding-set="$set" "$KTLSD_BUILD/ktlsd" \
		--config "$T/ktlsd.yaml"
}

# It says so in its log; and, if it runs without, in `ktlsctl status` too.
names_what_is_missing() { # CAPABILITY
	observer_start || ! is_running ktlsd
	log_has ktlsd ": no CAP_$1\b" || { cat "$T/ktlsd.log" && false; }
	is_running ktlsd || return 0
	run ctl status
	((status == 3))
	[[ $output == *"no CAP_$1"* ]]
}

@test "with the capabilities of the DaemonSet every program is attached and all sockets are seen" {
	spawn_with "${CAPABILITIES[@]}"
	observer_start
	run -0 ctl status --json
	[[ $(jq .observer.available <<<"$output") == true ]]
	[[ $(jq '.observer.programs | length > 10 and all(.attached)' <<<"$output") == true ]]
	"$HELPERS/ktls_pair" -n 2 </dev/null >/dev/null
	[[ $(ctl stats --json | jq '[.totals[] | select(.event == "close") | .count] | add') == 4 ]]
	run ! log_has ktlsd '^<[0-4]>'
	stop ktlsd
	run ! log_has ktlsd '^<[0-4]>'
}

@test "without any one of them it says which is missing" {
	local missing name
	local -a others
	for missing in "${CAPABILITIES[@]}"; do
		others=()
		for name in "${CAPABILITIES[@]}"; do
			[[ $name == "$missing" ]] || others+=("$name")
		done
		spawn_with "${others[@]}"
		names_what_is_missing "$missing"
		stop ktlsd
		umount "$T/run/bpf" 2>/dev/null || true
		rm -rf "$T/run"
	done
}
