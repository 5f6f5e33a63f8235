# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the kernel programs say, for bats files that compare it. To be loaded after lib. OBSERVE is
# tests/helpers/observe_dump where everybody may run it, BPFFS the directory with the pins, PIN the
# iterator that dump reads.

# The numbers of bpf/event.h.
declare -gA EVENTS=([0]=ulp [1]=keys [2]=rekey [3]=keys-read [4]=device [5]=error [6]=framing [7]=resync
	[8]=soft-packet [9]=device-down [10]=close [11]=lost [12]=forgotten [13]=totals-full)

# Sets VALUE to that of NAME in "a=1 b=2"; empty when it is not there.
field() { # LINE NAME
	VALUE=
	[[ " $1 " =~ " $2="([^ ]*)" " ]] && VALUE=${BASH_REMATCH[1]}
	return 0
}

# Sets DUMP to all that the program reports now.
dump() {
	DUMP=$("$OBSERVE" read "$PIN")
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

# What the events since the last call say, in names: "EVENT DIRECTION ERROR TX RX", with the records
# of a close.
events() {
	"$OBSERVE" events "$BPFFS" |
		select_in_order event direction error tx_records rx_records unsent |
		while read -r event direction rest; do
			echo "${EVENTS[$event]} $direction $rest"
		done
}

# Reduces lines of key=value to the fields named, with their names if NAMED is not empty. The last of
# equal keys counts.
reduce_lines() { # NAMED NAME...
	awk -v named="$1" -v names="${*:2}" '
		BEGIN { n = split(names, name, " ") }
		{
			split("", value)
			for (i = 1; i <= NF; i++)
				value[substr($i, 1, index($i, "=") - 1)] = substr($i, index($i, "=") + 1)
			for (i = 1; i <= n; i++)
				printf "%s%s%s", named ? name[i] "=" : "", value[name[i]], i < n ? " " : "\n"
		}'
}

# To their values, in the order in which they came.
select_in_order() { # NAME...
	reduce_lines '' "$@"
}

# To name=value, sorted.
select_fields() { # NAME...
	reduce_lines 1 "$@" | sort
}

# The totals of an event, direction (0 tx, 1 rx, 255) and outcome: sets COUNT and RECORDS.
total() { # NAME DIRECTION OK
	local event direction ok count records
	COUNT=0 RECORDS=0
	while read -r event direction ok count records; do
		[[ ${EVENTS[$event]} == "$1" && $direction == "$2" && $ok == "$3" ]] || continue
		COUNT=$((COUNT + count)) RECORDS=$((RECORDS + records))
	done < <("$OBSERVE" totals "$BPFFS/iter_totals" |
		select_in_order event direction ok count records)
}

# Sets VALUE to a counter of tls_stat.
tls_stat() { # NAME
	VALUE=$(awk -v name="$1" '$1 == name { print $2 }' /proc/net/tls_stat)
}
