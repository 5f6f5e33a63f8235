# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Reads what a guest's kernel wrote on its console. Sourced by vm.

# Lines that no healthy kernel writes, as extended regular expressions.
CONSOLE_WARNINGS=(
	'-*\[ cut here \]'
	'WARNING: ' 'BUG: ' 'kernel BUG at ' 'Oops' 'Kernel panic'
	'general protection fault' 'double fault' 'divide error' 'invalid opcode'
	'INFO: (task .* blocked|rcu|possible|inconsistent|suspicious|trying to register)'
	'rcu: .*(stall|starved)' 'watchdog: (BUG|Watchdog)' 'UBSAN: ' 'refcount_t: '
	'list_(add|del) corruption' '[^ ]+: page allocation failure'
	'unregister_netdevice: waiting' '.*stalled pool shutdown'
)

# Prints the first warning of the console with what follows it, or nothing.
console_warning() { # CONSOLE
	local IFS='|'
	tr -d '\r' <"$1" |
		grep -a -E -m 1 -B 10 -A 30 "^\[ *[0-9.]+\] (${CONSOLE_WARNINGS[*]})" || true
}

console_tail() { # CONSOLE
	echo "vm: the last lines of its console:" >&2
	tr -d '\r' <"$1" | tail -n 60 | sed 's/^/    /' >&2
}
