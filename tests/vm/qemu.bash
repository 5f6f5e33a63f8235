# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The private QEMU and virtiofsd, and how they are started. Sourced by vm, which sets
# VM_CACHE and VM_APT and reads VIRTIOFSD_PID and QEMU_PID.
#
# Both come from trixie with every library they need and run under their own dynamic
# loader, so that the host's version does not matter: QEMU 7.2 of Debian 12 lets kernels
# with more than one CPU oops under emulation.

QEMU_SUITE=trixie
QEMU_PACKAGES=(qemu-system-x86 virtiofsd busybox-static)
QEMU_LIBDIR=usr/lib/x86_64-linux-gnu

qemu_need() {
	[[ -e $VM_CACHE/tools/complete ]] || vm_locked qemu_fetch
}

qemu_fetch() {
	local scratch deb
	[[ ! -e $VM_CACHE/tools/complete ]] || return 0
	vm_say "fetching QEMU from $QEMU_SUITE"
	vm_update_lists "$QEMU_SUITE"
	rm -rf "$VM_CACHE"/.tools.* # of a fetch that was killed
	scratch=$(mktemp -d "$VM_CACHE/.tools.XXXXXX") || return 1
	aptroot_closure "$VM_APT" "$QEMU_SUITE" "$scratch/debs" "${QEMU_PACKAGES[@]}" \
		>/dev/null || vm_die "cannot fetch QEMU"
	for deb in "$scratch"/debs/*.deb; do
		dpkg-deb -x "$deb" "$scratch/tools" || vm_die "cannot unpack $deb"
	done
	rm -rf "$VM_CACHE/tools"
	touch "$scratch/tools/complete"
	mv -T "$scratch/tools" "$VM_CACHE/tools" || vm_die "cannot store QEMU"
	rm -rf "$scratch"
}

# Fills the array QEMU_EXEC with the words that run a program of the tools tree and die
# with this shell even if it is killed with KILL.
qemu_exec() { # PATH
	local tools=$VM_CACHE/tools
	QEMU_EXEC=(setpriv --pdeathsig KILL --
		"$tools/usr/lib64/ld-linux-x86-64.so.2"
		--library-path "$tools/$QEMU_LIBDIR:$tools/$QEMU_LIBDIR/pulseaudio"
		"$tools/$1")
}

# Starts virtiofsd for the whole file system; its pid goes into VIRTIOFSD_PID. We share
# all there is, so a sandbox would hide nothing, and would fail inside a chroot. An
# overlay refuses directories announced as mount points (EREMOTE).
virtiofsd_start() { # SOCKET LOG
	qemu_exec usr/libexec/virtiofsd
	ulimit -n "$(ulimit -Hn)"
	"${QEMU_EXEC[@]}" --socket-path="$1" --shared-dir=/ --sandbox=none --cache=auto \
		--no-announce-submounts --rlimit-nofile=0 --log-level=warn >"$2" 2>&1 </dev/null &
	# shellcheck disable=SC2034
	VIRTIOFSD_PID=$!
}

qemu_accel_args() { # ACCEL ICOUNT CPUS
	if [[ -n $2 ]]; then
		# guest time is the number of executed instructions
		QEMU_ARGS+=(-accel "tcg,thread=single" -icount "shift=0,sleep=off"
			-cpu "max,-erms,-fsrm" -smp 1)
	elif [[ $1 == kvm ]]; then
		QEMU_ARGS+=(-accel kvm -cpu max -smp "$3")
	else
		QEMU_ARGS+=(-accel "tcg,thread=multi" -cpu max -smp "$3")
	fi
}

# Starts QEMU with the arguments gathered in QEMU_ARGS; its pid goes into QEMU_PID.
qemu_start() { # LOG
	local tools=$VM_CACHE/tools
	qemu_exec usr/bin/qemu-system-x86_64
	QEMU_MODULE_DIR=$tools/$QEMU_LIBDIR/qemu "${QEMU_EXEC[@]}" \
		-L "$tools/usr/share/qemu" -L "$tools/usr/share/seabios" \
		-nodefaults -no-user-config -no-reboot -display none \
		"${QEMU_ARGS[@]}" 2>"$1" <&0 &
	# shellcheck disable=SC2034
	QEMU_PID=$!
}
