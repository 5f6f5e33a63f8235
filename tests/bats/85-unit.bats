#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What docs/ktlsd.service.in claims: its capabilities are enough, and a reload that is refused fails.

load lib

UNIT=$BATS_TEST_DIRNAME/../../docs/ktlsd.service.in
BODY=100001

setup_file() {
	suite_begin
	"$HELPERS/pattern" body down "$BODY" | sha256sum >"$T/expected"
	backend_start "http=tcp:$IP:3000"
}

teardown_file() {
	suite_end
}

# Sets UNIT_WRAPPER to what leaves the unit's capabilities only.
capabilities_read() {
	local set=-all name
	for name in $(sed -n 's/^CapabilityBoundingSet=//p' "$UNIT"); do
		name=${name#CAP_}
		set+=,+${name,,}
	done
	[[ $set == *,+sys_admin* ]]
	UNIT_WRAPPER=(setpriv --no-new-privs --inh-caps=-all --bounding-set="$set")
	# who is not root has none
	((EUID == 0)) || UNIT_WRAPPER=(setpriv --no-new-privs)
}

config() {
	config_begin "workers: 1" "limits: {pipes: 16}"
	config_listener web 4433 "tcp:$IP:3000"
}

fetch() {
	curl --silent --show-error --fail --max-time 60 --resolve "ecdsa.test:4433:$IP" \
		--cacert "$T/ca.pem" "https://ecdsa.test:4433/$BODY" | sha256sum | cmp - "$T/expected"
}

# As the unit does.
unit_reload() {
	local line
	line=$(sed -n 's/^ExecReload=@bindir@//p' "$UNIT")
	[[ $line ]]
	# shellcheck disable=SC2086 # a list of words
	"${UNIT_WRAPPER[@]}" "$KTLSD_BUILD"$line --socket "$T/run/api.sock"
}

@test "the unit's reload fails and says why when the configuration is refused, and only then" {
	capabilities_read
	config
	daemon_start "${UNIT_WRAPPER[@]}"
	fetch
	run -0 unit_reload
	grep -c 'msg="reloaded"' "$T/ktlsd.log" | grep -qx 1
	echo "nonsense: 1" >>"$T/ktlsd.yaml"
	run -1 unit_reload
	[[ $output == *nonsense* ]]
	wait_log ktlsd 'reload refused.*nonsense'
	fetch
	config
	run -0 unit_reload
	fetch
	stop ktlsd
}
