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
