/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the module share: a device, its counters, and the faults asked for. */
#ifndef TLSNIC_H
#define TLSNIC_H

#include <linux/atomic.h>
#include <linux/netdevice.h>
#include <linux/spinlock.h>

enum { RESYNC_BY_KERNEL, RESYNC_BY_DEVICE };

/* The module's parameters, which change at any time. */
struct faults {
	unsigned int add_error_tx, add_error_rx;
	unsigned int crypto_error;
	unsigned int drop_every, corrupt_every;
	unsigned int tx_resync_every;
	unsigned int rx_miss_every, rx_desync_every;
	unsigned int rx_resync;
};

extern struct faults faults;
#define FAULT(name) READ_ONCE(faults.name)

enum counter {
	TX_CTX,
	TX_DEL,
	TX_REFUSED,
	TX_ENCRYPTED,
	TX_DROPPED,
	TX_CORRUPTED,
	TX_RESYNC_REQ,
	TX_RESYNC,
	RX_CTX,
	RX_DEL,
	RX_REFUSED,
	RX_DECRYPTED,
	RX_MISSED,
	RX_DESYNC,
	RX_RESYNC_REQ,
	RX_RESYNC,
	N_COUNTERS
};

struct tlsnic {
	struct net_device *peer;
	unsigned int n_packets; /* sent with offloaded records; guarded by the queue's lock */
	spinlock_t lock;	/* guards the flows */
	struct list_head flows;
	atomic64_t counters[N_COUNTERS];
};

static inline void count(struct tlsnic *nic, enum counter counter)
{
	atomic64_inc(&nic->counters[counter]);
}

/* True for every Nth; N may be 0, which is never. */
static inline bool hits(unsigned int every, unsigned int n)
{
	return every && n % every == 0;
}

#endif
