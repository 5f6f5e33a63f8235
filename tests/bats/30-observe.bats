# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the kernel programs report of kernel-TLS sockets, against a helper that made them and ss(8).
# Needs root and BPF.

load lib

# Where bpffs goes: the directory of a test below /tmp is closed to other users.
RUN=/run/ktlsd-observe-test
BPFFS=$RUN/bpf
PIN=$BPFFS/iter_tcp
# By number: /etc/group is the host's and may be changing.
GROUP=65534
MEMBER=(setpriv --reuid 65534 --regid 65533 --groups "$GROUP")
STRANGER=(setpriv --reuid 65534 --regid 65533 --clear-groups)

declare -gA CIPHERS=([aes-gcm-128]=51 [aes-gcm-256]=52 [aes-ccm-128]=53 [chacha20-poly1305]=54)

setup() {
	tell_try
	[[ $EUID == 0 ]] || skip "needs root"
	install -d -m 0755 "$RUN"
	install -m 0755 "$HELPERS/observe_dump" "$HELPERS/ktls_pair" "$RUN"
	PAIR_PIDS=() PAIR_FDS=()
}

teardown() {
	[[ $EUID == 0 ]] || return 0
	pairs_stop
	"$RUN/observe_dump" unload "$BPFFS"
	rm -r "$RUN"
}

need_tls() {
	expect_ktls || skip "this kernel has no TLS"
}

# Root of a container or a bare chroot may lack what BPF needs; that of a guest never does.
need_bpf() {
	local caps
	! expect_ktls || return 0
	[[ -r /sys/kernel/btf/vmlinux ]] || skip "no /sys/kernel/btf/vmlinux here"
	caps=$(sed -n 's/^CapEff:[[:blank:]]*//p' /proc/self/status)
	((0x$caps >> 39 & 1)) || skip "root has no CAP_BPF here"
}

load_programs() {
	need_bpf
	run "$RUN/observe_dump" load "$BPFFS" "$GROUP"
	echo "$output"
	[[ $status == 0 && ${lines[-1]} == "step=done errno=0 text=pinned at $PIN" ]]
}

# Starts a pair that stays until the test ends; sets SUBJECT and PEER to what it says of itself.
pair_start() { # OPTION...
	local in=$RUN/in out=$RUN/out in_fd out_fd line
	mkfifo "$in" "$out"
	"$RUN/ktls_pair" "$@" <"$in" >"$out" 3>&- &
	PAIR_PIDS+=($!)
	exec {in_fd}>"$in" {out_fd}<"$out"
	PAIR_FDS+=("$in_fd")
	rm "$in" "$out"
	SUBJECT='' PEER=''
	while read -r -t 60 -u "$out_fd" line && [[ $line != READY ]]; do
		case $line in
		socket=subject*) SUBJECT=$line ;;
		socket=peer*) PEER=$line ;;
		esac
	done
	exec {out_fd}<&-
	[[ $line == READY && $SUBJECT && $PEER ]] || {
		echo "no pair: ktls_pair $*" >&2
		return 1
	}
}

pairs_stop() {
	local fd pid
	for fd in "${PAIR_FDS[@]}"; do
		exec {fd}>&-
	done
	for pid in "${PAIR_PIDS[@]}"; do
		wait "$pid" || true
	done
	PAIR_PIDS=() PAIR_FDS=()
}

# Sets VALUE to that of NAME in "a=1 b=2"; empty when it is not there.
field() { # LINE NAME
	VALUE=
	[[ " $1 " =~ " $2="([^ ]*)" " ]] && VALUE=${BASH_REMATCH[1]}
	return 0
}

# Sets DUMP to all that the program reports now.
dump() {
	DUMP=$("$RUN/observe_dump" read "$PIN")
}

# Sets LINE to what the dump has of a socket that the helper described; fails when it has nothing.
reported() { # HELPER_LINE
	field "$1" cookie
	LINE=$(grep "^cookie=$VALUE " <<<"$DUMP") || {
		echo "the dump has nothing of: $1"
		return 1
	}
}

is_gone() { # HELPER_LINE
	dump && ! reported "$1"
}

# Each of these looks at LINE.
expect() { # NAME VALUE
	field "$LINE" "$1"
	[[ $VALUE == "$2" ]] || {
		echo "$1 is '$VALUE', not '$2', in: $LINE"
		return 1
	}
}

# Reduces lines of key=value to the fields named, sorted; the last of equal keys counts.
select_fields() { # NAME...
	awk -v names="$*" '
		BEGIN { n = split(names, name, " ") }
		{
			split("", value)
			for (i = 1; i <= NF; i++)
				value[substr($i, 1, index($i, "=") - 1)] = substr($i, index($i, "=") + 1)
			for (i = 1; i <= n; i++)
				printf "%s=%s ", name[i], value[name[i]]
			print ""
		}' | sort
}

# What ss says of every TLS socket. The ss of Debian 12 names only the GCM ciphers.
view_ss() {
	ss -HOntie | awk '
		/tcp-ulp-tls/ {
			split("", value)
			for (i = 6; i < NF; i++)
				if ($i ~ /^(version|cipher|rxconf|txconf):$/)
					value[$i] = $(i + 1)
				else if ($i ~ /^sk:/)
					value["sk"] = $i
			sub(/.*:/, "", $4)
			sub(/.*:/, "", $5)
			if (value["cipher:"] !~ /gcm/)
				value["cipher:"] = ""
			print value["sk"], $4, $5, "version " value["version:"], \
				"cipher " value["cipher:"], value["rxconf:"], value["txconf:"]
		}' | sort
}

# The same, from the dump.
view_dump() {
	select_fields cookie local_port remote_port version cipher rx_conf tx_conf <<<"$DUMP" |
		awk -F '[= ]' '
			BEGIN {
				split("none sw hw", mode, " ")
				version["0x303"] = "1.2"
				version["0x304"] = "1.3"
				cipher[51] = "aes-gcm-128"
				cipher[52] = "aes-gcm-256"
			}
			{
				print sprintf("sk:%x", $2), $4, $6, "version " version[$8], \
					"cipher " cipher[$10], mode[$12 + 1], mode[$14 + 1]
			}' | sort
}

# What is to be reported of a direction with five records.
direction_fields() { # tx|rx ON SEQ
	if (($2)); then
		echo "$1_conf=1 $1_seq_initial=$3 $1_seq=$(($3 + 5)) $1_records=5"
	else
		echo "$1_conf=0 $1_seq_initial=0 $1_seq=0 $1_records="
	fi
}

@test "sockets older than the program: versions, ciphers, directions and records as they are" {
	local version cipher directions seq=7 tx rx common netns
	local expected=$RUN/expected fields=(cookie inode uid netns local_port remote_port version cipher
		tx_conf tx_seq_initial tx_seq tx_records rx_conf rx_seq_initial rx_seq rx_records)
	need_tls
	netns=$(stat -L -c %i /proc/self/ns/net)
	# Every cipher with both directions; other directions with one. Sequence numbers past 32 bits.
	while read -r version cipher directions; do
		pair_start -V "$version" -c "$cipher" -d "$directions" -s "$seq" -n 5
		tx=0 rx=0
		[[ $directions == tx || $directions == both ]] && tx=1
		[[ $directions == rx || $directions == both ]] && rx=1
		common="netns=$netns version=0x30$((${version#1.} + 1)) cipher=${CIPHERS[$cipher]}"
		[[ $directions != none ]] || common="netns=$netns version=0 cipher=0"
		echo "$SUBJECT $common $(direction_fields tx $tx $seq) $(direction_fields rx $rx $seq)"
		echo "$PEER $common $(direction_fields tx $rx $seq) $(direction_fields rx $tx $seq)"
		seq=$((seq < 1 << 54 ? seq * 257 : 0))
	done >"$expected" <<-EOF
		1.2 aes-gcm-128 both
		1.2 aes-gcm-256 both
		1.2 aes-ccm-128 both
		1.2 chacha20-poly1305 both
		1.2 aes-gcm-128 tx
		1.2 aes-gcm-128 rx
		1.2 aes-gcm-128 none
		1.3 aes-gcm-128 both
		1.3 aes-gcm-256 both
		1.3 aes-ccm-128 both
		1.3 chacha20-poly1305 both
		1.3 aes-gcm-128 tx
		1.3 aes-gcm-128 rx
		1.3 aes-gcm-128 none
	EOF
	[[ $(wc -l <"$expected") == 28 ]]

	load_programs
	dump
	diff <(select_fields "${fields[@]}" <"$expected") <(select_fields "${fields[@]}" <<<"$DUMP")
	diff <(view_ss) <(view_dump)
}

@test "IPv4 and IPv6 addresses, state and bytes" {
	need_tls
	load_programs
	pair_start -n 3
	dump
	reported "$SUBJECT"
	expect local 127.0.0.1
	expect remote 127.0.0.1
	expect state 1
	expect flags 0
	expect ifindex 0
	expect device ''
	# Records of 1, 4100 and 8199 bytes, each with header, tag and content type: 22 bytes.
	# acked also counts the SYN of the side that connected.
	expect acked "$((12300 + 3 * 22 + 1))"
	expect received "$((12300 + 3 * 22))"
	pair_start -6 -n 3
	dump
	reported "$SUBJECT"
	expect local ::1
	expect remote ::1
}

@test "flags of a direction, and a key update that waits" {
	local pending=255
	need_tls
	load_programs
	pair_start -V 1.3 -n 2
	dump
	reported "$SUBJECT"
	expect rx_no_pad 0
	expect tx_zero_copy 0
	bpftool btf dump file /sys/kernel/btf/vmlinux | grep -q "'key_update_pending'" && pending=1
	pair_start -V 1.3 -n 2 -p -z -u
	dump
	reported "$SUBJECT"
	expect rx_no_pad 1
	expect tx_zero_copy 1
	expect rx_records 3
	expect key_update_pending "$pending"
	reported "$PEER"
	expect key_update_pending "$((pending == 1 ? 0 : pending))"
}

@test "no key is ever read" {
	need_tls
	load_programs
	pair_start -n 1
	dump
	reported "$SUBJECT"
	reported "$PEER"
	# The helper's keys, salts and IVs are all of these octets.
	run ! grep -qE '(11){4}|(22){4}' <(od -An -v -tx1 "$PIN" | tr -d ' \n')
}

@test "closed sockets are gone, those of another network namespace are not seen" {
	need_tls
	load_programs
	pair_start
	dump
	reported "$SUBJECT"
	[[ $(unshare --net "$RUN/observe_dump" read "$PIN") == '' ]]
	pairs_stop
	wait_until 20 is_gone "$SUBJECT"
	wait_until 20 is_gone "$PEER"
}

@test "a group member without privilege reads, others may not" {
	load_programs
	[[ $(stat -c '%a %u %g' "$BPFFS") == "750 0 $GROUP" ]]
	[[ $(stat -c '%a %u %g' "$PIN") == "640 0 $GROUP" ]]
	run -0 "${MEMBER[@]}" "$RUN/observe_dump" read "$PIN"
	run -1 "${STRANGER[@]}" "$RUN/observe_dump" read "$PIN"
	[[ $output == error=EACCES ]]
}

@test "a group member sees the sockets of others" {
	need_tls
	load_programs
	pair_start
	run -0 "${MEMBER[@]}" "$RUN/observe_dump" read "$PIN"
	DUMP=$output
	reported "$SUBJECT"
}

@test "loading again replaces the pin, unloading leaves nothing" {
	local first
	load_programs
	first=$(stat -c %i "$PIN")
	load_programs
	[[ $(stat -c %i "$PIN") != "$first" ]]
	run -0 "$RUN/observe_dump" read "$PIN"
	[[ ! -e ${PIN}_new ]]
	[[ $(grep -c " $BPFFS bpf " /proc/self/mounts) == 1 ]]
	run -0 "$RUN/observe_dump" unload "$BPFFS"
	run -0 "$RUN/observe_dump" unload "$BPFFS"
	run ! grep " $BPFFS " /proc/self/mounts
	run -1 "$RUN/observe_dump" read "$PIN"
	[[ $output == error=ENOENT ]]
}

@test "a reader in the middle of a walk survives a replacement" {
	local fd
	load_programs
	exec {fd}<"$PIN"
	load_programs
	run -0 "$RUN/observe_dump" unload "$BPFFS"
	cat <&"$fd" >/dev/null
	exec {fd}<&-
}

@test "a loader without privilege is told which is missing, and harms no older pin" {
	load_programs
	run -1 --separate-stderr setpriv --bounding-set=-bpf,-sys_admin "$RUN/observe_dump" \
		load "$BPFFS" "$GROUP"
	[[ ${lines[0]} == "step=load errno=1 text=load: Operation not permitted: no CAP_BPF" ]]
	run -1 --separate-stderr setpriv --bounding-set=-perfmon,-sys_admin "$RUN/observe_dump" \
		load "$BPFFS" "$GROUP"
	[[ ${lines[0]} == "step=load errno=1 text=load: Operation not permitted: no CAP_PERFMON" ]]
	run -1 --separate-stderr setpriv --bounding-set=-sys_admin "$RUN/observe_dump" \
		load "$RUN/other" "$GROUP"
	[[ ${lines[0]} == *"step=bpffs errno=1 "*": no CAP_SYS_ADMIN" ]]
	run -0 "$RUN/observe_dump" read "$PIN"
}
