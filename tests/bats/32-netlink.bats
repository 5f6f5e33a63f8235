# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the kernel tells by netlink of kernel-TLS sockets and network devices, against ss(8),
# ethtool(8), ip(8) and genl(8), which ask it themselves.

load lib

DUMP=$HELPERS/netlink_dump
STRANGER=(setpriv --reuid 65534 --regid 65534 --clear-groups)

setup_file() {
	local i=0 version cipher directions
	suite_begin --no-certificates
	install -m 0755 "$DUMP" "$T"
	expect_ktls || return 0
	# they live until they are stopped: this end of their input stays open
	mkfifo "$T/hold"
	exec 9<>"$T/hold"
	while read -r version cipher directions; do
		i=$((i + 1))
		# shellcheck disable=SC2086 # a list of words
		SPAWN_INPUT=$T/hold spawn "pair$i" "$HELPERS/ktls_pair" -V "$version" -c "$cipher" -d $directions
		wait_log "pair$i" '^READY$'
	done <<-EOF
		1.2 aes-gcm-128 both
		1.2 aes-gcm-256 tx
		1.2 aes-ccm-128 both -6
		1.2 chacha20-poly1305 both
		1.3 aes-gcm-128 both -p -z
		1.3 aes-gcm-256 both -6
		1.3 aes-gcm-128 rx
		1.3 aes-gcm-128 none
	EOF
	exec 9>&-
}

teardown_file() {
	suite_end
}

need_tls() {
	expect_ktls || skip "this kernel has no TLS"
}

# "COOKIE UID INODE VERSION CIPHER RX TX", as ss tells of every TLS socket. The ss of Debian 12
# names only the GCM ciphers, and none its user where that is root.
view_ss() {
	ss -HOntie | awk '
		/tcp-ulp-tls/ {
			split("uid:0 ino:0", value)
			uid = ino = version = cipher = 0
			for (i = 6; i <= NF; i++)
				if ($i ~ /^(version|cipher|rxconf|txconf):$/)
					value[$i] = $(i + 1)
				else if ($i ~ /^(sk|uid|ino):/)
					value[substr($i, 1, index($i, ":"))] = substr($i, index($i, ":") + 1)
			print value["sk:"], value["uid:"] + 0, value["ino:"] + 0, "version " value["version:"],
				"cipher " (value["cipher:"] ~ /gcm/ ? value["cipher:"] : ""),
				value["rxconf:"], value["txconf:"]
		}' | sort
}

# The same by the helper.
view_dump() {
	"$DUMP" sockets | awk -F '[= ]' '
		BEGIN {
			version["0x303"] = "1.2"
			version["0x304"] = "1.3"
			cipher[51] = "aes-gcm-128"
			cipher[52] = "aes-gcm-256"
		}
		{
			for (i = 1; i < NF; i += 2)
				value[$i] = $(i + 1)
			print substr(value["cookie"], 3), value["uid"], value["inode"],
				"version " version[value["version"]], "cipher " cipher[value["cipher"]],
				value["rx"], value["tx"]
		}' | sort
}

# Sets LINE to what is told of the subject of pair N.
subject() { # N
	local cookie
	cookie=$(sed -n 's/^socket=subject cookie=\([0-9]*\) .*/\1/p' "$T/pair$1.log")
	LINE=$("$DUMP" sockets | grep "^cookie=$(printf %#x "$cookie") ")
}

@test "sockets of both families: cookie, user, inode, version, cipher and modes as ss tells" {
	need_tls
	view_ss >"$T/ss"
	diff "$T/ss" <(view_dump)
	[[ $(wc -l <"$T/ss") == 16 ]]
}

@test "what more is told of a socket" {
	need_tls
	subject 1
	# only the newest tells the longest record
	[[ $LINE =~ " family=2 state=1 version=0x303 cipher=51 tx=sw rx=sw tx_max_payload="(0|16384)" tx_zero_copy=0 rx_no_pad=0"$ ]]
	! expect_rekey || [[ $LINE == *" tx_max_payload=16384 "* ]]
	subject 3
	[[ $LINE == *" family=10 state=1 version=0x303 cipher=53 "* ]]
	subject 5
	[[ $LINE == *" tx_zero_copy=0 rx_no_pad=1" ]]
	subject 8
	[[ $LINE == *" version=0 cipher=0 tx=none rx=none "* ]]
}

@test "without CAP_NET_ADMIN: what root sees, or EPERM" {
	run "${STRANGER[@]}" "$T/netlink_dump" sockets
	if [[ $output == error=EPERM ]]; then
		[[ $status == 1 ]]
		# the newest kernel tells everybody
		run ! expect_rekey
	else
		[[ $status == 0 && $output == "$("$DUMP" sockets)" ]]
	fi
}

@test "another network namespace has other sockets" {
	[[ $EUID == 0 ]] || skip "needs root"
	run -0 unshare --net "$DUMP" sockets
	[[ ! $output ]]
}

# "INDEX: NAME: up|down; FEATURE: STATE..." of every device by ip and ethtool.
view_devices() {
	local index name flags line
	while IFS=': ' read -r index name flags _; do
		name=${name%@*}
		line="$index: $name: down"
		[[ $flags != *[\<,]UP[,\>]* ]] || line="$index: $name: up"
		ethtool -k "$name" | awk -v line="$line" '
			/^tls-hw-/ { line = line "; " $0 }
			END { print line }'
	done < <(ip -o link)
}
export -f view_devices

@test "devices, up or down, and their TLS features as ip and ethtool tell" {
	[[ $(view_devices) == *"; tls-hw-tx-offload: "* ]]
	diff <(view_devices | sort) <("$DUMP" devices | sort)
	diff <(view_devices | sort) <("${STRANGER[@]}" "$T/netlink_dump" devices | sort)
}

@test "devices of another network namespace" {
	[[ $EUID == 0 ]] || skip "needs root"
	# shellcheck disable=SC2016 # for the other shell
	unshare --net bash -euc '
		ip link add left type veth peer name right 2>/dev/null && ip link set left up || true
		ip link
		diff <(view_devices | sort) <("$1" devices | sort)
		"$1" devices | grep "^1: lo: down; "' _ "$DUMP"
}

@test "generic netlink families as genl tells" {
	local name id
	for name in nlctrl ethtool handshake; do
		id=$(genl ctrl list | awk -v name="$name" '
			$1 == "Name:" { found = $2 == name }
			found && $1 == "ID:" { print $2 }')
		run "$DUMP" family "$name"
		[[ $output == "${id:-error=ENOENT}" ]]
	done
	run -1 "$DUMP" family no-such-family
	[[ $output == error=ENOENT ]]
	run -1 "$DUMP" family a-name-that-is-too-long
	[[ $output == error=ENOENT ]]
}
