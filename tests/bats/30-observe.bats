# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the kernel programs report of kernel-TLS sockets, against a helper that made them and ss(8).
# Needs root and BPF.

load lib
load observe

# Where bpffs goes: the directory of a test below /tmp is closed to other users.
RUN=/run/ktlsd-observe-test
OBSERVE=$RUN/observe_dump
# Probes are slow to attach under emulation: most tests share these, the others have their own.
SHARED=$RUN/shared
OWN=$RUN/own
# By number: /etc/group is the host's and may be changing.
GROUP=65534
MEMBER=(setpriv --reuid 65534 --regid 65533 --groups "$GROUP")
STRANGER=(setpriv --reuid 65534 --regid 65533 --clear-groups)
ITERATORS=(iter_tcp iter_task_file iter_totals)
MAPS=(map_meta map_settings map_history map_totals map_events)
CYCLES=2
[[ ${MATRIX:-} != full ]] || CYCLES=200

declare -gA CIPHERS=([aes-gcm-128]=51 [aes-gcm-256]=52 [aes-ccm-128]=53 [chacha20-poly1305]=54)
setup_file() {
	[[ $EUID == 0 ]] || return 0
	install -d -m 0755 "$RUN"
	install -m 0755 "$HELPERS"/{observe_dump,ktls_pair,ktls_trouble} "$RUN"
	expect_ktls || return 0
	"$OBSERVE" load "$SHARED" "$GROUP" >&2
	"$OBSERVE" attach "$SHARED" >&2
}

teardown_file() {
	[[ $EUID == 0 ]] || return 0
	"$OBSERVE" unload "$SHARED"
	rm -r "$RUN"
}

setup() {
	tell_try
	[[ $EUID == 0 ]] || skip "needs root"
	use_pins "$SHARED"
	PAIR_PIDS=() PAIR_FDS=()
}

teardown() {
	[[ $EUID == 0 ]] || return 0
	pairs_stop
	"$OBSERVE" unload "$OWN"
}

use_pins() { # DIR
	BPFFS=$1
	PIN=$1/iter_tcp
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

# Into pins of the test's own.
load_programs() {
	need_bpf
	use_pins "$OWN"
	run "$OBSERVE" load "$BPFFS" "$GROUP"
	echo "$output"
	[[ $status == 0 && $output == step=done\ errno=0\ * ]]
}

attach_probes() {
	run "$OBSERVE" attach "$BPFFS"
	echo "$output"
	[[ $status == 0 && ${lines[0]} == step=done\ errno=0\ * ]]
}

# Starts a pair that stays until the test ends; sets SUBJECT and PEER to what it says of itself.
pair_start() { # OPTION...
	pair_start_by -- "$@"
}

# Likewise, with a command such as unshare(1) before it.
pair_start_by() { # COMMAND... -- OPTION...
	local in=$RUN/in out=$RUN/out in_fd out_fd line command=()
	while [[ $1 != -- ]]; do
		command+=("$1")
		shift
	done
	shift
	mkfifo "$in" "$out"
	"${command[@]}" "$RUN/ktls_pair" "$@" <"$in" >"$out" 3>&- &
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

@test "closed sockets are gone, those of another network namespace are not seen" {
	need_tls
	pair_start
	dump
	reported "$SUBJECT"
	[[ $(unshare --net "$OBSERVE" read "$PIN") == '' ]]
	pairs_stop
	wait_until 20 is_gone "$SUBJECT"
	wait_until 20 is_gone "$PEER"
}

@test "a group member sees the sockets of others" {
	need_tls
	pair_start
	run -0 "${MEMBER[@]}" "$OBSERVE" read "$PIN"
	DUMP=$output
	reported "$SUBJECT"
}

@test "a group member without privilege reads the iterators and no map, others nothing" {
	local pin
	load_programs
	[[ $(stat -c '%a %u %g' "$BPFFS") == "750 0 $GROUP" ]]
	for pin in "${ITERATORS[@]}"; do
		[[ $(stat -c '%a %u %g' "$BPFFS/$pin") == "640 0 $GROUP" ]]
		"${MEMBER[@]}" cat "$BPFFS/$pin" >/dev/null
		run ! "${STRANGER[@]}" cat "$BPFFS/$pin"
	done
	run -1 "${STRANGER[@]}" "$OBSERVE" read "$PIN"
	[[ $output == error=EACCES ]]
	for pin in "${MAPS[@]}"; do
		[[ $(stat -c '%a %u %g' "$BPFFS/$pin") == '600 0 0' ]]
		bpftool map show pinned "$BPFFS/$pin" >/dev/null
		run ! "${MEMBER[@]}" bpftool map show pinned "$BPFFS/$pin"
	done
	[[ $(find "$BPFFS" -name 'link_*' -perm /077) == '' ]]
}

@test "all probes are attached, each in its pin" {
	local pins
	need_tls
	run -0 "$OBSERVE" look "$BPFFS"
	echo "$output"
	[[ ${lines[0]} == step=done\ errno=0\ adopted=0\ waiting=0\ payload=0\ * ]]
	[[ $output != *attached=0* ]]
	pins=("$BPFFS"/link_*)
	[[ ${#pins[@]} == $(grep -cE '^program=(fentry|fexit|tp_btf)/' <<<"$output") ]]
}

@test "what seldom happens is told, in order, with the counts at the close" {
	local rekeyed=0
	need_tls
	expect_rekey || rekeyed=16 # EBUSY
	events >/dev/null
	"$RUN/ktls_trouble" ulp-unconnected connect keys-tx ulp keys-strange keys-tx keys-rx record record \
		read-keys record key-update rekey-rx rekey-tx record read-keys record more close \
		>"$RUN/steps"
	cat "$RUN/steps"
	# Of these six records none is lost by reading the keys back, and none by a rekey.
	diff - <(events) <<-EOF
		ulp 255 107 0 0 0
		keys 0 22 0 0 0
		keys 0 0 0 0 0
		keys 1 0 0 0 0
		keys-read 0 0 0 0 0
		rekey 1 $rekeyed 0 0 0
		rekey 0 $rekeyed 0 0 0
		keys-read 0 0 0 0 0
		close 255 0 6 0 1
		close 255 0 0 6 0
	EOF
}

@test "records that do not decrypt, and those that are none" {
	need_tls
	events >/dev/null
	"$RUN/ktls_trouble" connect ulp keys-rx garbage close connect ulp keys-rx too-long close >"$RUN/steps"
	grep -x 'step=garbage error=EBADMSG' "$RUN/steps"
	grep -x 'step=too-long error=EMSGSIZE' "$RUN/steps"
	diff - <(events) <<-EOF
		keys 1 0 0 0 0
		error 1 74 0 0 0
		close 255 0 0 0 0
		close 255 0 0 0 0
		keys 1 0 0 0 0
		framing 1 90 0 0 0
		close 255 0 0 0 0
		close 255 0 0 0 0
	EOF
}

@test "an error wakes the reader at once" {
	local pid
	need_tls
	"$OBSERVE" events "$BPFFS" >/dev/null
	"$OBSERVE" events "$BPFFS" 60000 >"$RUN/woken" 3>&- &
	pid=$!
	"$RUN/ktls_trouble" ulp-unconnected >/dev/null
	wait "$pid"
	grep -q '^event=0 direction=255 error=107 ' "$RUN/woken"
}

@test "totals equal tls_stat" {
	local -A before=()
	local name
	need_tls
	count_all() { # tls_stat NAME of the total
		local stat event direction ok
		while read -r stat event direction ok; do
			tls_stat "$stat"
			total "$event" "$direction" "$ok"
			[[ ! $VALUE ]] || echo "$stat $((VALUE - ${before[$stat]:-0})) $((COUNT - ${before[ours $stat]:-0}))"
		done <<-EOF
			TlsTxSw keys 0 1
			TlsRxSw keys 1 1
			TlsDecryptError error 1 0
			TlsTxRekeyOk rekey 0 1
			TlsRxRekeyOk rekey 1 1
		EOF
	}
	while read -r name theirs ours; do
		before[$name]=$theirs
		before[ours $name]=$ours
	done < <(count_all)
	"$RUN/ktls_trouble" connect ulp keys-tx keys-rx record key-update rekey-rx rekey-tx record close \
		connect ulp keys-rx garbage close >/dev/null
	count_all >"$RUN/counts"
	cat "$RUN/counts"
	# What rose, rose by as much; and on a kernel with rekeys all of it did.
	run -1 awk '$2 != $3 { found = 1 } END { exit !found }' "$RUN/counts"
	! expect_rekey || run -1 awk '$2 == 0 { found = 1 } END { exit !found }' "$RUN/counts"
	for name in lost forgotten totals-full; do
		total "$name" 255 0
		[[ $COUNT == 0 ]]
	done
}

# "EVENT DIRECTION OK VERSION CIPHER" of each row of first keys that were refused.
refused_rows() {
	"$OBSERVE" totals "$BPFFS/iter_totals" |
		select_in_order event direction ok version cipher | grep "^1 0 0 " | sort -u
}

@test "versions and ciphers that somebody makes up do not use up the totals" {
	local refused installed
	need_tls
	events >/dev/null
	total keys 0 0
	refused=$COUNT
	total keys 0 1
	installed=$COUNT
	run -0 "${STRANGER[@]}" "$RUN/ktls_trouble" connect ulp keys-made-up close
	grep -x 'step=keys-made-up error=0' <<<"$output"
	total keys 0 0
	((COUNT == refused + 300))
	refused_rows
	# one each for 1.2, 1.3 and any other version; all other ciphers are one
	refused_rows | diff - <(printf '1 0 0 %s 65535\n' 0 0x303 0x304 | sort)
	# an event has what was asked for
	"$OBSERVE" events "$BPFFS" >"$RUN/made-up"
	grep -q ' version=0x1001 cipher=8193 ' "$RUN/made-up"
	"${STRANGER[@]}" "$RUN/ktls_trouble" connect ulp keys-tx keys-rx record close >/dev/null
	total keys 0 1
	((COUNT == installed + 1))
	total totals-full 255 0
	((COUNT == 0))
}

@test "who set the keys, since when, what became of the offer to a device" {
	need_tls
	pair_start -n 2
	dump
	reported "$SUBJECT"
	expect installer "${PAIR_PIDS[-1]}"
	expect installer_comm ktls_pair
	expect tx_seen 1
	expect rx_seen 1
	# Loopback takes no keys: the kernel itself said so.
	expect tx_offer 1
	expect tx_device_errno 95
	expect egress lo
	expect egress_features 0x3
	expect holder 0
	# shellcheck disable=SC2153 # reported() sets it
	field "$LINE" since
	((VALUE > 0))
}

@test "the task walk finds sockets of other network namespaces, and who holds them" {
	local netns
	need_tls
	# shellcheck disable=SC2016 # expanded in the namespace
	pair_start_by unshare --net bash -c 'ip link set lo up && exec "$0" "$@"' -- -n 2
	dump
	run ! reported "$SUBJECT"
	DUMP=$("${MEMBER[@]}" "$OBSERVE" read "$BPFFS/iter_task_file")
	reported "$SUBJECT"
	netns=$(stat -L -c %i "/proc/${PAIR_PIDS[-1]}/ns/net")
	expect netns "$netns"
	expect holder "${PAIR_PIDS[-1]}"
	expect holder_comm ktls_pair
	expect installer "${PAIR_PIDS[-1]}"
	expect tx_records 2
	expect rx_records 2
	expect uid 0
}

@test "payload is accounted while that is asked for, from a socket's first byte" {
	local old
	need_tls
	pair_start -n 2
	old=$SUBJECT
	run -0 "$OBSERVE" payload "$BPFFS" on
	[[ ${lines[0]} == *" payload=1 "* ]]
	[[ $output != *attached=0* ]]
	pair_start -n 3
	dump
	reported "$old"
	expect flags 0
	reported "$SUBJECT"
	expect flags 0x4
	expect tx_payload 12300
	expect rx_payload 12300
	run -0 "$OBSERVE" payload "$BPFFS" off
	[[ ${lines[0]} == *" payload=0 "* ]]
	[[ $(find "$BPFFS" -name 'link_*sendmsg') == '' ]]
	dump
	reported "$SUBJECT"
	expect flags 0
}

@test "no key in what is read, nor in any map" {
	local map
	need_tls
	events >/dev/null
	pair_start -n 1
	dump
	reported "$SUBJECT"
	reported "$PEER"
	# The helper's keys, salts and IVs are all of these octets.
	run ! grep -qE '(11){4}|(22){4}' <(od -An -v -tx1 "$BPFFS/iter_tcp" | tr -d ' \n')
	run ! grep -qE '(11){4}|(22){4}' <(od -An -v -tx1 "$BPFFS/iter_task_file" | tr -d ' \n')
	for map in meta settings history totals; do
		bpftool -j map dump pinned "$BPFFS/map_$map" >"$RUN/map"
		run ! grep -qE '("0x(11|22)",?){4}' "$RUN/map"
	done
	grep -q . "$RUN/map"
}

@test "loading again adopts: the same pins, and the totals go on" {
	local first since
	load_programs
	[[ $output == *" adopted=0 "* ]]
	first=$(stat -c %i "$BPFFS"/*)
	since=${output#* since=}
	since=${since%% *}
	load_programs
	[[ $output == *" adopted=1 "*" since=$since text=adopted at $OWN"* ]]
	[[ $(stat -c %i "$BPFFS"/*) == "$first" ]]
	[[ $(grep -c " $BPFFS bpf " /proc/self/mounts) == 1 ]]
	run -0 "$OBSERVE" unload "$BPFFS"
	run -0 "$OBSERVE" unload "$BPFFS"
	run ! grep " $BPFFS " /proc/self/mounts
	run -1 "$OBSERVE" read "$PIN"
	[[ $output == error=ENOENT ]]
	run -1 "$OBSERVE" look "$BPFFS"
	run -1 "$OBSERVE" attach "$BPFFS"
}

@test "probes count on while nobody is there" {
	local before
	need_tls
	total keys 0 1
	before=$COUNT
	"$RUN/ktls_trouble" connect ulp keys-tx keys-rx record close >/dev/null
	run -0 "$OBSERVE" load "$BPFFS" "$GROUP"
	[[ $output == *" adopted=1 "* ]]
	[[ $output != *attached=0* ]]
	total keys 0 1
	[[ $COUNT == $((before + 1)) ]]
}

# How many sockets the programs in BPFFS remember.
remembered() {
	bpftool -j map dump pinned "$BPFFS/map_history" | jq length
}

# The other pins hold one too.
close_probes_are() { # COUNT
	[[ $(bpftool -j prog show | grep -o '"name":"ktls_close"' | wc -l) == "$1" ]]
}

@test "sockets that close while no probe is there are forgotten when it is back" {
	need_tls
	load_programs
	attach_probes
	[[ ${lines[0]} == *" pruned=0 prune_errno=0 "* ]]
	pair_start -n 2
	rm "$BPFFS/link_fentry_tls_sk_proto_close"
	wait_until 30 close_probes_are 1
	# one process, or the second one's sockets would take the addresses of the first one's
	"$RUN/ktls_trouble" connect ulp keys-tx keys-rx record connect ulp >/dev/null
	[[ $(remembered) == 6 ]]
	attach_probes
	[[ ${lines[0]} == *" pruned=4 prune_errno=0 "* ]]
	[[ $output != *attached=0* ]]
	# those of the sockets that are still there stay
	[[ $(remembered) == 2 ]]
	dump
	reported "$SUBJECT"
	expect installer "${PAIR_PIDS[-1]}"
	expect tx_records 2
	pairs_stop
	[[ $(remembered) == 0 ]]
	attach_probes
	[[ ${lines[0]} == *" pruned=0 prune_errno=0 "* ]]
}

@test "pins of another build, of another owner or that lack some are replaced, and that is said" {
	local first
	load_programs
	chown 65534 "$BPFFS/map_totals"
	load_programs
	[[ ${lines[0]} == *" adopted=0 "*"in place of programs incomplete, or not root's alone" ]]
	[[ $(stat -c '%u' "$BPFFS/map_totals") == 0 ]]
	rm "$BPFFS/iter_totals"
	load_programs
	[[ ${lines[0]} == *" adopted=0 "*"in place of programs incomplete, or not root's" ]]
	chmod 0644 "$BPFFS/iter_tcp"
	load_programs
	[[ ${lines[0]} == *" adopted=0 "* ]]
	rm "$BPFFS/map_meta"
	bpftool map pin pinned "$BPFFS/map_settings" "$BPFFS/map_meta"
	first=$(stat -c %i "$PIN")
	load_programs
	[[ ${lines[0]} == *" adopted=0 "*"in place of programs of another release" ]]
	[[ $(stat -c %i "$PIN") != "$first" && ! -e $BPFFS/new ]]
	run -0 "$OBSERVE" read "$PIN"
}

@test "a reader in the middle of a walk survives a replacement" {
	local fd
	load_programs
	exec {fd}<"$PIN"
	rm "$BPFFS/map_meta"
	load_programs
	[[ $output == *" adopted=0 "* ]]
	run -0 "$OBSERVE" unload "$BPFFS"
	cat <&"$fd" >/dev/null
	exec {fd}<&-
}

@test "a loader without privilege is told which is missing, and harms no older pin" {
	load_programs
	rm "$BPFFS/map_meta"
	run -1 --separate-stderr setpriv --bounding-set=-bpf,-sys_admin "$OBSERVE" \
		load "$BPFFS" "$GROUP"
	[[ ${lines[0]} == "step=load errno=1 "*" text=load: Operation not permitted: no CAP_SYS_ADMIN, nor CAP_BPF" ]]
	run -1 --separate-stderr setpriv --bounding-set=-perfmon,-sys_admin "$OBSERVE" \
		load "$BPFFS" "$GROUP"
	[[ ${lines[0]} == "step=load errno=1 "*" text=load: Operation not permitted: no CAP_SYS_ADMIN, nor CAP_PERFMON" ]]
	run -1 --separate-stderr setpriv --bounding-set=-sys_admin "$OBSERVE" \
		load "$RUN/other" "$GROUP"
	[[ ${lines[0]} == *"step=bpffs errno=1 "*": no CAP_SYS_ADMIN" ]]
	run -0 "$OBSERVE" read "$PIN"
}

@test "without tls the probes wait, and attach when it comes" {
	need_tls
	[[ -e /sys/module/tls/refcnt ]] || skip "tls is built in"
	"$OBSERVE" unload "$SHARED"
	wait_until 60 modprobe -q -r tls
	load_programs
	[[ ${lines[0]} == *" waiting=1 "* ]]
	attach_probes
	[[ ${lines[0]} == *" waiting=1 "*" text=waiting for the tls module" ]]
	grep -x 'program=fexit/tcp_set_ulp attached=1 errno=0 text=' <<<"$output"
	grep -x 'program=fentry/tls_sk_proto_close attached=0 errno=0 text=waits for the tls module' <<<"$output"
	run -0 "$RUN/ktls_trouble" connect
	modprobe tls
	attach_probes
	[[ ${lines[0]} == *" waiting=0 "*" text=attached" ]]
	[[ $output != *attached=0* ]]
	"$RUN/ktls_trouble" connect ulp keys-tx keys-rx record close >/dev/null
	[[ $(events | tail -n 2) == $'close 255 0 1 0 0\nclose 255 0 0 1 0' ]]
}

# The kernel frees what was unloaded a little later.
count_bpf() {
	bpftool -j prog show | grep -o '"name":"ktls_' | wc -l
	bpftool -j map show | grep -cE '"name":"(history|totals|events|settings|meta)"' || true
}

is_count() { # COUNT
	[[ $(count_bpf) == "$1" ]]
}

@test "loading, attaching and unloading again and again leaves nothing" {
	local before cycle began=$SECONDS
	need_tls
	"$OBSERVE" unload "$SHARED"
	before=$'0\n0'
	wait_until 30 is_count "$before"
	# not i, which some bats write to in `run`
	for ((cycle = 0; cycle < CYCLES; cycle++)); do
		load_programs
		attach_probes
		"$RUN/ktls_trouble" connect ulp keys-tx keys-rx record close >/dev/null
		run -0 "$OBSERVE" payload "$BPFFS" "$([[ $((cycle % 2)) == 0 ]] && echo on || echo off)"
		run -0 "$OBSERVE" unload "$BPFFS"
		# far from the end of many: whether it comes, and when
		(((cycle + 1) % 50)) || echo "# $((cycle + 1)) times in $((SECONDS - began)) s" >&3
	done
	wait_until 30 is_count "$before"
	run ! grep " $BPFFS " /proc/self/mounts
}
