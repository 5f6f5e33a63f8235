#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What ktlsd measures of the kernel, against a table written by hand and against a helper that
# asks the kernel in its own way.

load lib

setup_file() {
	suite_begin --no-certificates
	config_begin
	daemon_start
}

teardown_file() {
	suite_end
}

# The report in the format of the tables.
report() {
	ctl probe --json "$@" | jq -r '
		def verdict(name): .[name] as $v | .[name + "_errno"] as $e |
			if $v == "skipped" then "-" elif $e then "\($v):\($e)" else $v end;
		.probe |
		"ulp " + (if .ulp then "yes" else "no:\(.ulp_errno)" end),
		"rekey " + (if .rekey then "yes" else "no" end),
		(.results[] | [.version, .cipher, .direction, verdict("data"), verdict("rekey"),
			verdict("zerocopy"), verdict("nopad"), verdict("max_payload")] | join(" "))'
}

# Which table is this kernel's, and whether it is what the caller expects.
truth() {
	local release name
	release=$(uname -r)
	case $KTLSD_EXPECT-$release in
	none-*) name=none ;;
	ktls-6.1.*) name=6.1 ;;
	ktls-6.12.*) name=6.12 ;;
	ktls+rekey-*) name=newest ;;
	*)
		echo "no table for $release with $KTLSD_EXPECT" >&2
		return 1
		;;
	esac
	grep -v '^#' "$BATS_TEST_DIRNAME/probe-truth/$name.txt"
}

# The driver that the kernel takes for AES-GCM: the one of the highest priority.
aes_driver() {
	awk '$1 == "name" { gcm = $3 == "gcm(aes)" } $1 == "driver" { driver = $3 }
		$1 == "priority" && gcm && $3 > best { best = $3; name = driver }
		END { print name }' /proc/crypto
}

@test "the probe says what the table says" {
	report >"$T/report"
	diff <(truth) "$T/report"
}

@test "the probe says what bare system calls say" {
	report >"$T/report"
	"$HELPERS/rawprobe" >"$T/raw"
	[[ $(wc -l <"$T/raw") == 17 ]]
	diff "$T/raw" <(grep -v '^rekey' "$T/report")
}

@test "a probe that is run again says the same" {
	report >"$T/first"
	report --fresh >"$T/again"
	diff "$T/first" "$T/again"
}

@test "the AES driver is that of /proc/crypto" {
	local driver
	driver=$(ctl probe --json | jq -r '.probe.aes_driver // ""')
	[[ $driver == "$(aes_driver)" ]]
	# the guests have AES-NI loaded
	if expect_ktls; then
		[[ $driver == *aesni* || $driver == *vaes* ]]
	fi
}

@test "status and probe agree" {
	local ktls rekey
	read -r ktls rekey < <(ctl status --json | jq -r '"\(.ktls) \(.rekey)"')
	[[ $ktls == "$(expect_ktls && echo true || echo false)" ]]
	[[ $rekey == "$(expect_rekey && echo true || echo false)" ]]
}

@test "the probe leaves no kernel-TLS socket behind" {
	ctl probe --fresh --json >/dev/null || (($? == 3)) # no kernel TLS here
	wait_until 20 tls_stat_is_idle
}
