#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What vm promises, seen from outside. Runs on the host and boots about a dozen guests.

setup() {
	VM=$BATS_TEST_DIRNAME/vm
	export TMPDIR=$BATS_TEST_TMPDIR
	cd "$BATS_TEST_TMPDIR"
}

# What guests of this test, and of no other run on this machine, have left.
jobs_left() {
	find "$TMPDIR" -maxdepth 1 -name 'ktlsd-vm.*'
}

# A kernel name stands for the release asked for, tls is there, and gcm(aes) is not C.
check_kernel() { # NAME RELEASE-PATTERN
	run "$VM" run -k "$1" --timeout 120 -- sh -c '
		uname -r
		cat /proc/sys/net/ipv4/tcp_available_ulp
		grep -c "^driver.*: generic-gcm-aesni" /proc/crypto
		pwd
		stat -f -c %T /run /sys/fs/cgroup /sys/fs/bpf
		cat /sys/class/net/lo/operstate
		exit 7'
	echo "$output"
	[ "$status" -eq 7 ]
	[[ ${lines[0]} =~ $2 ]]
	[[ " ${lines[1]} " == *" tls "* ]]
	[ "${lines[2]}" -ge 1 ]
	[ "${lines[3]}" = "$BATS_TEST_TMPDIR" ]
	[ "${lines[4]} ${lines[5]} ${lines[6]}" = "tmpfs cgroup2fs bpf_fs" ]
	[ "${lines[7]}" = unknown ] # what an lo that is up says
}

@test "kernel 6.1: exit code, tls, AES-NI" {
	check_kernel 6.1 '^6\.1\.[0-9]+-[0-9]+-cloud-amd64$'
}

@test "kernel 6.12: exit code, tls, AES-NI" {
	check_kernel 6.12 '^6\.12\.[0-9]+\+deb13-cloud-amd64$'
}

@test "kernel newest: exit code, tls, AES-NI" {
	check_kernel newest '^[0-9.]+\+deb13-cloud-amd64$'
}

@test "output is not changed, stderr stays apart" {
	head -c 1048576 /dev/urandom >blob
	"$VM" run --timeout 120 -- sh -c 'echo oops >&2; cat blob; echo more >/dev/stderr' \
		>out 2>err
	cmp blob out
	[ "$(cat err)" = "$(printf 'oops\nmore')" ]
}

@test "output comes while the command runs" {
	mkfifo fifo
	"$VM" run --timeout 120 -- sh -c 'echo ready; while [ ! -e go ]; do sleep 0.1; done' \
		>fifo &
	read -r line <fifo
	[ "$line" = ready ]
	touch go
	wait $!
}

@test "arguments, environment and directory arrive as they are" {
	mkdir 'a dir'
	cd 'a dir'
	ODD=$'two\nlines and \'quotes\'' run "$VM" run --timeout 120 -- \
		bash -c 'printf "%s|" "$@" "$ODD"; basename "$PWD"' - 'a  b' '$HOME' ''
	[ "$status" -eq 0 ]
	[ "$output" = $'a  b|$HOME||two\nlines and \'quotes\'|a dir' ]
}

@test "writes reach the host only where they are shared" {
	mkdir shared
	run "$VM" run --timeout 120 --share shared -- sh -c '
		echo 1 >here; echo 2 >"$BATS_TEST_TMPDIR/shared/there"
		cd "$BATS_RUN_TMPDIR" && echo 3 >elsewhere && cat elsewhere'
	[ "$status" -eq 0 ]
	[ "$output" = 3 ]
	[ "$(cat here shared/there)" = $'1\n2' ]
	[ ! -e "$BATS_RUN_TMPDIR/elsewhere" ]
}

@test "a kernel warning fails the run" {
	run "$VM" run --timeout 120 -- sh -c 'echo "WARNING: made by hand" >/dev/kmsg'
	[ "$status" -eq 121 ]
	[[ $output == *"the kernel warned"*"made by hand"* ]]
}

@test "a kernel warning is told from a harmless line" {
	# shellcheck source=tests/vm/console.bash
	. "$BATS_TEST_DIRNAME/console.bash"
	while IFS=: read -r expect line; do
		printf '[   12.345678] %s\r\n' "$line" >console
		found=healthy
		[ -z "$(console_warning console)" ] || found=warning
		echo "$expect $found: $line"
		[ "$found" = "$expect" ]
	done <<-'END'
		warning:------------[ cut here ]------------
		warning:WARNING: CPU: 0 PID: 12 at net/tls/tls_sw.c:123 tls_push+0x1/0x2 [tls]
		warning:WARNING: possible circular locking dependency detected
		warning:BUG: kernel NULL pointer dereference, address: 0000000000000000
		warning:Oops: general protection fault, probably for non-canonical address
		warning:kernel BUG at net/core/skbuff.c:100!
		warning:rcu: INFO: rcu_preempt self-detected stall on CPU
		warning:watchdog: BUG: soft lockup - CPU#1 stuck for 26s! [ktlsd:12]
		warning:INFO: task ktlsd:12 blocked for more than 120 seconds.
		warning:refcount_t: underflow; use-after-free.
		warning:unregister_netdevice: waiting for eth0 to become free. Usage count = 2
		warning:ktlsd: page allocation failure: order:4, mode:0x40cc0
		healthy:Spectre V2 : WARNING: Unprivileged eBPF is enabled with eIBRS on
		healthy:traps: ktlsd[12] general protection fault ip:1 sp:2 error:0
		healthy:ktlsd[12]: segfault at 0 ip 0 sp 0 error 4
		healthy:Memory cgroup out of memory: Killed process 12 (ktlsd)
		healthy:TCP: request_sock_TCP: Possible SYN flooding on port 8443.
		healthy:sysrq: Show Blocked State
	END
}

@test "a panic ends the run at once" {
	run "$VM" run --timeout 120 -- sh -c 'echo c >/proc/sysrq-trigger; sleep 1000'
	[ "$status" -eq 121 ]
	[[ $output == *"Kernel panic"* ]]
}

@test "a hung guest ends at the timeout and shows what it ran" {
	run "$VM" run --timeout 40 -- sleep 4242
	[ "$status" -eq 124 ]
	[[ $output == *"did not end within 40 s"*"sleep 4242"* ]]
	[ -z "$(jobs_left)" ]
}

@test "a daemon left behind does not hold the run" {
	SECONDS=0
	run "$VM" run --timeout 120 -- sh -c 'sleep 4243 & (trap "" TERM; sleep 4244) & echo done'
	[ "$status" -eq 0 ]
	[ "$output" = "done" ]
	[ "$SECONDS" -lt 60 ]
}

@test "TERM and INT leave nothing behind" {
	for signal in TERM INT; do
		mkfifo "fifo.$signal"
		status=0
		env --default-signal=INT \
			"$VM" run --timeout 120 -- sh -c 'echo ready; sleep 4245' >"fifo.$signal" &
		pid=$!
		read -r line <"fifo.$signal"
		[ "$line" = ready ]
		[ -n "$(jobs_left)" ]
		children=$(pgrep -P "$pid")
		kill -"$signal" "$pid"
		wait "$pid" || status=$?
		[ "$status" -gt 128 ]
		[ -z "$(jobs_left)" ]
		for child in $children; do
			[ ! -e "/proc/$child" ]
		done
	done
}

@test "--no-tls hides tls until it is asked for" {
	run "$VM" run --no-tls --timeout 120 -- sh -c '
		cat /proc/sys/net/ipv4/tcp_available_ulp
		modprobe tls && cat /proc/sys/net/ipv4/tcp_available_ulp'
	[ "$status" -eq 0 ]
	[[ " ${lines[0]} " != *" tls "* ]]
	[[ " ${lines[1]} " == *" tls "* ]]
}

@test "--forward reaches a server in the guest, the guest reaches nobody" {
	"$VM" run --timeout 120 --forward 28443:8443 -- sh -c '
		! /run/vm/busybox nc -w 5 10.0.2.2 22 </dev/null 2>/dev/null || exit 9
		echo greetings | /run/vm/busybox nc -l -p 8443' &
	local deadline=$((SECONDS + 60)) line=
	until [ "$line" = greetings ] || [ "$SECONDS" -gt "$deadline" ]; do
		line=$( (exec 5<>/dev/tcp/127.0.0.1/28443 && head -n 1 <&5) 2>/dev/null) || true
	done
	[ "$line" = greetings ]
	wait $!
}

@test "--icount counts the same instructions twice" {
	cat >count <<-'END'
		begin=${EPOCHREALTIME/./} i=0
		while ((i < 50000)); do ((++i)); done
		echo $((${EPOCHREALTIME/./} - begin))
	END
	first=$("$VM" run --icount --timeout 120 -- bash count)
	second=$("$VM" run --icount --timeout 120 -- bash count)
	echo "$first $second"
	[ "$first" -gt 1000 ]
	# timer interrupts fall differently: 2 %
	(((first - second) * 50 < first && (second - first) * 50 < first))
}

@test "two guests run side by side" {
	"$VM" run -k 6.1 --timeout 120 -- uname -r >one &
	"$VM" run -k newest --timeout 120 --cpus 1 --mem 768 -- uname -r >two
	wait $!
	[[ $(cat one) == 6.1.* ]]
	[[ $(cat two) != 6.1.* ]]
}

@test "mistakes are told apart from the command's exit codes" {
	run "$VM" run -k 5.10 -- true
	[ "$status" -eq 125 ]
	run "$VM" run
	[ "$status" -eq 125 ]
	run "$VM" run --cpus many -- true
	[ "$status" -eq 125 ]
	run "$VM" run --forward 1:2:3 -- true
	[ "$status" -eq 125 ]
	run "$VM" --help
	[ "$status" -eq 0 ]
}
