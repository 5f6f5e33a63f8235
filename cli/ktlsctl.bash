# SPDX-License-Identifier: GPL-2.0-or-later
# Bash completion for ktlsctl. What it knows it asks ktlsctl, whose tables it cannot contradict.
# shellcheck shell=bash

# Fields of the dump: _ktlsctl_dump KIND COMMAND FIELD, an empty COMMAND for any.
_ktlsctl_dump()
{
	ktlsctl --dump-docs 2>/dev/null |
		awk -F'\t' -v kind="$1" -v command="$2" -v field="$3" \
			'$1 == kind && (command == "" || $2 == command) { print $field }'
}

# Adds to a comma-separated list, of which the last word is being typed.
_ktlsctl_columns()
{
	local typed=$2 before='' column

	[[ $typed == +* ]] && before=+ && typed=${typed#+}
	[[ $typed == *,* ]] && before+=${typed%,*},
	for column in all $(_ktlsctl_dump column "$1" 3); do
		[[ $column == "${typed##*,}"* ]] && COMPREPLY+=("$before$column")
	done
	compopt -o nospace
}

# Whether an option of any command takes an argument.
_ktlsctl_takes_argument()
{
	ktlsctl --dump-docs 2>/dev/null |
		awk -F'\t' -v name="$1" \
			'$1 == "option" && $3 == name && $5 != "" { found = 1 } END { exit !found }'
}

# Adds to a comma-separated list one of the words, of which the last is being typed; "tx:" or "rx:"
# may stand before it.
_ktlsctl_list()
{
	local typed=$1 before='' word

	shift
	[[ $typed == *,* ]] && before=${typed%,*}, && typed=${typed##*,}
	for word; do
		[[ $word == "$typed"* ]] && COMPREPLY+=("$before$word")
	done
	compopt -o nospace
}

_ktlsctl_listeners()
{
	ktlsctl policy --no-headings -o listener 2>/dev/null
}

_ktlsctl()
{
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local command='' words='' i

	if [[ $current == = ]]; then
		current='' previous='='
	fi
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-o | -s | -n | -d) i=$((i + 1)) ;;
		--*)
			_ktlsctl_takes_argument "${COMP_WORDS[i]#--}" && i=$((i + 1))
			;;
		-*) ;;
		*)
			command=${COMP_WORDS[i]}
			break
			;;
		esac
	done
	COMPREPLY=()
	case $previous in
	--socket | --from)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		return
		;;
	-o | --columns)
		_ktlsctl_columns "$command" "$current"
		return
		;;
	=) # bash takes "tx=off" for three words
		words='off auto on require'
		;;
	--listener)
		words=$(_ktlsctl_listeners)
		;;
	--owner)
		# shellcheck disable=SC2046 # words
		_ktlsctl_list "$current" ktlsd other $(ktlsctl list --no-headings -o owner 2>/dev/null |
			sort -u)
		return
		;;
	--mode)
		_ktlsctl_list "$current" user kernel device none
		return
		;;
	--reason)
		# shellcheck disable=SC2046
		_ktlsctl_list "$current" $(_ktlsctl_dump reason '' 2)
		return
		;;
	--state)
		# shellcheck disable=SC2046
		_ktlsctl_list "$current" $(_ktlsctl_dump state '' 2)
		return
		;;
	--pid)
		# shellcheck disable=SC2046
		_ktlsctl_list "$current" $(ktlsctl list --no-headings -o pid 2>/dev/null | sort -u)
		return
		;;
	--device)
		words=$(cd /sys/class/net && echo *)
		;;
	--sort | -s)
		words='bytes/s records/s bytes records errors age owner mode cookie'
		;;
	--payload)
		words='on off'
		;;
	--delay | -d)
		words='500ms 1s 2s 5s'
		;;
	--count | -n | --peer | --local)
		return
		;;
	--timeout)
		words='10s 30s 5m 1h'
		;;
	*)
		if [[ $current == -* ]]; then
			words=$(_ktlsctl_dump option "${command:-ktlsctl}" 3 | sed 's/^/--/')
		elif [[ ! $command ]]; then
			words=$(_ktlsctl_dump command '' 2 | grep -vx ktlsctl)
		elif [[ $command == explain ]]; then
			words=$(_ktlsctl_dump reason '' 2)
		elif [[ $command == show ]]; then
			words=$(ktlsctl list --no-headings -o cookie 2>/dev/null)
		elif [[ $command == drain ]]; then
			words=$(_ktlsctl_listeners)
		elif [[ $command == policy ]]; then
			words='tx=off tx=auto tx=on tx=require rx=off rx=auto rx=on rx=require'
		fi
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -F _ktlsctl ktlsctl
