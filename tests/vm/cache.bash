# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The cache of guests: where it is, how it is filled by one process at a time, and what is said
# when that fails. Sourced by vm and by ../kmod/build, after aptroot.bash.
#
#	vm_set_cache		sets VM_CACHE and VM_APT
#	vm_locked FUNCTION...	runs it while no other process changes the cache

EXIT_FAILED=125

vm_say() {
	echo "vm: $*" >&2
}

vm_die() {
	vm_say "$*"
	exit "$EXIT_FAILED"
}

# Runs a function while no other vm changes the cache.
vm_locked() { # FUNCTION ARGUMENT...
	(
		flock -n 9 || {
			vm_say "waiting for another vm to fill the cache"
			flock 9
		}
		"$@" 9>&-
	) 9>"$VM_CACHE/lock"
}

vm_update_lists() { # SUITE...
	if ! aptroot_init "$VM_APT" || ! aptroot_update "$VM_APT" "$@"; then
		vm_die "cannot read the package lists of $*"
	fi
}

vm_set_cache() {
	local cache=${KTLSD_CACHE:-}
	if [[ -z $cache ]]; then
		cache=/var/cache/ktlsd
		((EUID == 0)) || cache=${XDG_CACHE_HOME:-$HOME/.cache}/ktlsd
	fi
	VM_CACHE=$cache/vm
	VM_APT=$cache/apt
}
