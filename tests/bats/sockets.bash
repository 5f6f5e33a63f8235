# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Kernel-TLS sockets as ss(8), /proc and ktlsctl know them. Needs lib.bash.

# Lines "COOKIE TX RX" of the sockets with TLS that listen at these ports, as ss knows them.
ss_lines() { # PORT...
	local line port
	local local_port=':([0-9]+) +[^ ]+:[0-9]+ ' cookie='sk:([0-9a-f]+)'
	local modes='tcp-ulp-tls.* rxconf: ([a-z]+) txconf: ([a-z]+)'
	local -A mode=([none]=none [sw]=kernel [hw]=device)
	while read -r line; do
		[[ $line =~ $local_port ]] || continue
		port=${BASH_REMATCH[1]}
		[[ " $* " == *" $port "* && $line =~ $cookie ]] || continue
		printf '%d ' "0x${BASH_REMATCH[1]}"
		[[ $line =~ $modes ]] || continue
		echo "${mode[${BASH_REMATCH[2]}]} ${mode[${BASH_REMATCH[1]}]}"
	done < <(ss -HOntie state established) | sort
}

# Connections that are open, as ktlsctl lists them, each by a filter of jq.
list_rows() { # FILTER [OPTION]...
	ctl list --json "${@:2}" |
		jq -r ".connections[] | select(.state == null or .state == \"open\") | $1"
}

# The lines of ss_lines, as ktlsctl knows them: where ktlsd has a direction in user space the kernel
# has none.
list_lines() { # PORT...
	local port owner cookie tx rx
	list_rows '"\(.local | sub(".*:"; "")) \(.owner) \(.cookie) \(.tx.mode) \(.rx.mode)"' |
		while read -r port owner cookie tx rx; do
			[[ " $* " == *" $port "* ]] || continue
			[[ $owner == other ]] || tx=${tx/user/none} rx=${rx/user/none}
			echo "$cookie $tx $rx"
		done | sort
}
