/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Privileges and system calls of the server process. */
#include "host/sandbox.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/capability.h"
#include "base/util.h"

/*
 * A sanitizer's runtime stops the process by ptrace to look for leaks, and makes system calls of
 * its own. Such builds are for tests: they keep the user change and lose the rest.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZER = 1 };
#else
enum { SANITIZER = 0 };
#endif

/* A user namespace or a container may refuse setgroups: then there are none to drop. */
static int become(uint32_t uid, uint32_t gid, char *error, size_t error_len)
{
	int err = 0;

	if (uid == UINT32_MAX)
		return 0;
	if (setgroups(0, NULL) && errno != EPERM)
		return -errno;
	if (setresgid(gid, gid, gid)) {
		err = -errno;
		snprintf(error, error_len, "cannot become group %u: %s%s", gid, strerror(-err),
			 CAPABILITY_LACK(CAP_SETGID));
	} else if (setresuid(uid, uid, uid)) {
		err = -errno;
		snprintf(error, error_len, "cannot become user %u: %s%s", uid, strerror(-err),
			 CAPABILITY_LACK(CAP_SETUID));
	}
	return err;
}

int sandbox_drop(uint32_t uid, uint32_t gid, char *error, size_t error_len)
{
	int err = become(uid, gid, error, error_len);

	if (err)
		return err;
	capng_clear(CAPNG_SELECT_BOTH);
	/* Without CAP_SETPCAP the bounding set stays; no_new_privs makes it worthless. */
	(void)capng_apply(CAPNG_SELECT_BOTH);
	if (geteuid() && capng_have_capabilities(CAPNG_SELECT_CAPS) > CAPNG_NONE)
		return -EPERM;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, SANITIZER))
		return -errno;
	return 0;
}

static const int allowed[] = {
	/* bytes */
	SCMP_SYS(read),
	SCMP_SYS(write),
	SCMP_SYS(readv),
	SCMP_SYS(writev),
	SCMP_SYS(splice),
	SCMP_SYS(sendfile),
	SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg),
	SCMP_SYS(sendto),
	SCMP_SYS(sendmsg),
	/* sockets */
	SCMP_SYS(bind),
	SCMP_SYS(listen),
	SCMP_SYS(connect),
	SCMP_SYS(accept4),
	SCMP_SYS(shutdown),
	SCMP_SYS(getsockopt),
	SCMP_SYS(setsockopt),
	SCMP_SYS(getsockname),
	SCMP_SYS(getpeername),
	/* descriptors and files */
	SCMP_SYS(close),
	SCMP_SYS(dup),
	SCMP_SYS(dup2),
	SCMP_SYS(dup3),
	SCMP_SYS(fcntl),
	SCMP_SYS(openat),
	SCMP_SYS(openat2),
	SCMP_SYS(open),
	SCMP_SYS(newfstatat),
	SCMP_SYS(fstat),
	SCMP_SYS(stat),
	SCMP_SYS(statx),
	SCMP_SYS(lseek),
	SCMP_SYS(getdents64),
	SCMP_SYS(pread64),
	SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
	SCMP_SYS(access),
	SCMP_SYS(faccessat2),
	SCMP_SYS(pipe2),
	/* waiting */
	SCMP_SYS(epoll_create1),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(eventfd2),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(futex),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(nanosleep),
	SCMP_SYS(restart_syscall),
	/* memory */
	SCMP_SYS(mmap),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(mprotect),
	SCMP_SYS(madvise),
	SCMP_SYS(mlock),
	SCMP_SYS(munlock),
	SCMP_SYS(brk),
	/* threads (see allow_threads()), time, signals, randomness, ending */
	SCMP_SYS(set_robust_list),
	SCMP_SYS(rseq),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(sched_yield),
	SCMP_SYS(gettid),
	SCMP_SYS(getpid),
	SCMP_SYS(getuid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getegid),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_getres),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(signalfd4),
	SCMP_SYS(tgkill),
	SCMP_SYS(getrandom),
	SCMP_SYS(uname),
	SCMP_SYS(sysinfo),
	SCMP_SYS(prctl),
	SCMP_SYS(prlimit64),
	SCMP_SYS(getrusage),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

/* With one value of one argument; the higher bits too, of which the kernel takes no notice. */
static const struct {
	int call;
	unsigned argument;
	uint64_t value;
} allowed_with[] = {
	{ SCMP_SYS(socket), 0, AF_INET },     { SCMP_SYS(socket), 0, AF_INET6 },
	{ SCMP_SYS(socket), 0, AF_UNIX },     { SCMP_SYS(socket), 0, AF_NETLINK },
	{ SCMP_SYS(socketpair), 0, AF_UNIX }, { SCMP_SYS(ioctl), 1, FIONREAD },
};

/*
 * In a new user namespace anybody has every capability, and with it what the kernel keeps for root.
 * (CLONE_NEWTIME is no flag of clone.)
 */
enum {
	CLONE_NAMESPACES = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
			   CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET
};

/* A filter sees no flags of clone3, which are in memory: without it the C library takes clone. */
static int allow_threads(scmp_filter_ctx ctx)
{
	int err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
				   SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_NAMESPACES, 0));

	return err ? err : seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

int sandbox_seccomp(void)
{
	scmp_filter_ctx ctx;
	int err;

	if (SANITIZER)
		return 0;
	ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	err = ctx ? 0 : -ENOMEM;

	for (size_t i = 0; i < ARRAY_SIZE(allowed) && !err; i++)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
	for (size_t i = 0; i < ARRAY_SIZE(allowed_with) && !err; i++)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed_with[i].call, 1,
				       SCMP_CMP64(allowed_with[i].argument, SCMP_CMP_EQ,
						  allowed_with[i].value));
	if (!err)
		err = allow_threads(ctx);
	if (!err)
		err = seccomp_load(ctx);
	seccomp_release(ctx);
	return err;
}
