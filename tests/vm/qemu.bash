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

# The same for QEMU, with what every guest has in common.
qemu_system_exec() {
	local tools=$VM_CACHE/tools
	qemu_exec usr/bin/qemu-system-x86_64
	QEMU_EXEC=(env QEMU_MODULE_DIR="$tools/$QEMU_LIBDIR/qemu" "${QEMU_EXEC[@]}"
		-L "$tools/usr/share/qemu" -L "$tools/usr/share/seabios"
		-nodefaults -no-user-config -no-reboot -display none)
}

# Starts virtiofsd for the whole file system; its pid goes into VIRTIOFSD_PID. We share
# all there is, so a sandbox would hide nothing, and would fail inside a chroot. An
# overlay refuses directories announced as mount points (EREMOTE).
virtiofsd_start() { # SOCKET LOG
	qemu_exec usr/libexec/virtiofsd
	ulimit -n "$(ulimit -Hn)"
	"${QEMU_EXEC[@]}" --socket-path="$1" --shared-dir=/ --sandbox=none --cache="${KTLSD_VM_CACHE:-always}" \
		--no-announce-submounts --rlimit-nofile=0 --log-level=warn >"$2" 2>&1 </dev/null &
	# shellcheck disable=SC2034
	VIRTIOFSD_PID=$!
}

# KVM counts only where it really boots a guest: nested machines often have a /dev/kvm
# that does not. The answer is remembered until the host boots again.
qemu_accel() { # RELEASE IMAGE
	local boot memo=$VM_CACHE/accel answer=tcg
	case ${KTLSD_VM_ACCEL:-auto} in
	tcg | kvm) echo "$KTLSD_VM_ACCEL" && return ;;
	auto) [[ -w /dev/kvm ]] || { echo tcg && return; } ;;
	*) vm_die "KTLSD_VM_ACCEL is tcg, kvm or auto" ;;
	esac
	boot=$(</proc/sys/kernel/random/boot_id)
	if [[ -e $memo ]] && [[ $(<"$memo") == "$boot "* ]]; then
		cut -d ' ' -f 2 "$memo"
		return
	fi
	vm_say "trying whether KVM boots a guest"
	qemu_system_exec
	# only its own word counts: QEMU also ends well when the guest's CPU shuts down
	if timeout -k 1 10 "${QEMU_EXEC[@]}" -accel kvm -cpu max -m 512 -serial stdio \
		-kernel "$VM_CACHE/kernels/$1/vmlinuz" -initrd "$2" \
		-append "console=ttyS0 vm.probe panic=-1" </dev/null 2>/dev/null |
		grep -a '\] vm: booted' >/dev/null; then
		answer=kvm
	fi
	echo "$boot $answer" >"$memo"
	echo "$answer"
}

# Emulated, `rep movsb` goes byte by byte: without ERMS and FSRM a pipe moves bytes twenty times as
# fast. A fifth level of page tables and SMAP cost at every miss of the TLB and copy from user space.
QEMU_TCG_CPU=max,-erms,-fsrm,-la57,-smap

qemu_accel_args() { # ACCEL ICOUNT CPUS
	if [[ -n $2 ]]; then
		# guest time is the number of executed instructions
		QEMU_ARGS+=(-accel "tcg,thread=single" -icount "shift=0,sleep=off"
			-cpu "max,-erms,-fsrm" -smp 1)
	elif [[ $1 == kvm ]]; then
		QEMU_ARGS+=(-accel kvm -cpu max -smp "$3")
	else
		QEMU_ARGS+=(-accel "tcg,thread=multi" -cpu "$QEMU_TCG_CPU" -smp "$3")
	fi
}

# Starts QEMU with the arguments gathered in QEMU_ARGS; its pid goes into QEMU_PID.
qemu_start() { # LOG
	qemu_system_exec
	"${QEMU_EXEC[@]}" "${QEMU_ARGS[@]}" 2>"$1" <&0 &
	# shellcheck disable=SC2034
	QEMU_PID=$!
}
