// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two Ethernet devices joined back to back that offload TLS 1.2, in software, for tests on machines
 * without such a NIC; with faults to be injected through module parameters. See README.md.
 *
 * The sender's records reach us as plaintext with room for their tags. Where the other device has
 * the flow, the packet goes on as it is, as if it had been encrypted here and decrypted there.
 * Where it has not, the kernel's own fallback encrypts it.
 */
#include <linux/debugfs.h>
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/seq_file.h>
#include <linux/tcp.h>
#include <net/tls.h>

#include "crypto.h"
#include "flow.h"
#include "record.h"
#include "tlsnic.h"

#define PARAMETER(name, text)                              \
	module_param_named(name, faults.name, uint, 0644); \
	MODULE_PARM_DESC(name, text)

struct faults faults;
PARAMETER(add_error_tx, "refuse to offload sending with this errno");
PARAMETER(add_error_rx, "refuse to offload receiving with this errno");
PARAMETER(crypto_error, "fail with this errno to allocate what stands by for a device");
PARAMETER(drop_every, "drop every Nth packet of a device's offloaded records");
PARAMETER(corrupt_every, "damage every Nth of them, which leaves it encrypted");
PARAMETER(tx_resync_every, "ask the kernel to resynchronise sending at every Nth of them");
PARAMETER(rx_miss_every, "leave every Nth packet of a flow encrypted");
PARAMETER(rx_desync_every, "leave all encrypted from every Nth on, until the kernel "
			   "resynchronises");
PARAMETER(rx_resync, "who finds where receiving resynchronises: 0 the kernel, 1 the device");

static const char *const counter_names[N_COUNTERS] = {
	[TX_CTX] = "tx_tls_ctx",
	[TX_DEL] = "tx_tls_del",
	[TX_REFUSED] = "tx_tls_refused",
	[TX_ENCRYPTED] = "tx_tls_encrypted_packets",
	[TX_DROPPED] = "tx_tls_dropped_packets",
	[TX_CORRUPTED] = "tx_tls_corrupted_packets",
	[TX_RESYNC_REQ] = "tx_tls_resync_req",
	[TX_RESYNC] = "tx_tls_resync",
	[RX_CTX] = "rx_tls_ctx",
	[RX_DEL] = "rx_tls_del",
	[RX_REFUSED] = "rx_tls_refused",
	[RX_DECRYPTED] = "rx_tls_decrypted_packets",
	[RX_MISSED] = "rx_tls_missed_packets",
	[RX_DESYNC] = "rx_tls_desync",
	[RX_RESYNC_REQ] = "rx_tls_resync_req",
	[RX_RESYNC] = "rx_tls_resync",
};

static struct net_device *devices[2];
static struct dentry *directory;

static void ask_for_tx_resync(struct tlsnic *nic, const struct sk_buff *skb)
{
	u32 seq = ntohl(tcp_hdr(skb)->seq);

	/* the kernel warns of a second request */
	if (test_bit(TLS_TX_SYNC_SCHED, &tls_get_ctx(skb->sk)->flags))
		return;
	count(nic, TX_RESYNC_REQ);
	tls_offload_tx_resync_request(skb->sk, seq, seq + 1);
}

/* The wire's packet: encrypted, linear, nobody else's. */
static struct sk_buff *encrypt(struct tlsnic *nic, struct sk_buff *skb)
{
	skb = tls_encrypt_skb(skb);
	if (!skb)
		return NULL;
	skb->prev = NULL;
	skb->decrypted = 0;
	count(nic, TX_ENCRYPTED);
	return skb;
}

/*
 * The packet as the receiving device hands it up. Should another packet of a record arrive
 * encrypted, the kernel encrypts this one again and wants its part of the tag to be the real one.
 * That costs an encryption, so it is left out where the whole tag is here and no fault is injected.
 */
static struct sk_buff *decrypt(struct tlsnic *nic, struct sk_buff *skb, enum view view)
{
	struct sk_buff *plain = skb_copy(skb, GFP_ATOMIC);

	if (view == VIEW_PLAIN && !record_cuts_tag(skb)) {
		count(nic, TX_ENCRYPTED);
		consume_skb(skb);
		return plain;
	}
	skb = encrypt(nic, skb);
	if (skb && plain)
		record_copy_tags(plain, skb);
	kfree_skb(skb);
	return plain;
}

/* Returns the packet to be delivered, or nothing. */
static struct sk_buff *send_records(struct tlsnic *nic, struct sk_buff *skb)
{
	struct tlsnic *peer = netdev_priv(nic->peer);
	unsigned int n = ++nic->n_packets;
	enum view view;

	if (hits(FAULT(drop_every), n)) {
		count(nic, TX_DROPPED);
		kfree_skb(skb);
		return NULL;
	}
	if (hits(FAULT(tx_resync_every), n))
		ask_for_tx_resync(nic, skb);
	view = flow_receive(peer, skb);
	if (hits(FAULT(corrupt_every), n)) {
		skb = encrypt(nic, skb);
		if (skb && record_corrupt(skb))
			count(nic, TX_CORRUPTED);
		return skb;
	}
	if (view == VIEW_ENCRYPTED)
		return encrypt(nic, skb);
	skb = decrypt(nic, skb, view);
	if (skb) {
		skb->decrypted = 1;
		count(peer, RX_DECRYPTED);
	}
	return skb;
}

/* After the link was down the socket's packets are encrypted already, marked or not. */
static bool holds_plaintext(const struct sk_buff *skb)
{
	return skb->decrypted && skb->sk && sk_fullsock(skb->sk) &&
	       smp_load_acquire(&skb->sk->sk_validate_xmit_skb) == &tls_validate_xmit_skb;
}

static netdev_tx_t start_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct tlsnic *nic = netdev_priv(dev);
	unsigned int len = skb->len;

	if (holds_plaintext(skb))
		skb = send_records(nic, skb);
	else
		skb->decrypted = 0;
	if (skb && dev_forward_skb(nic->peer, skb) == NET_RX_SUCCESS) {
		dev->stats.tx_packets++;
		dev->stats.tx_bytes += len;
		nic->peer->stats.rx_packets++;
		nic->peer->stats.rx_bytes += len;
	} else {
		dev->stats.tx_dropped++;
	}
	return NETDEV_TX_OK;
}

static int counters_show(struct seq_file *file, void *unused)
{
	struct net_device *dev = file->private;
	struct tlsnic *nic = netdev_priv(dev);

	for (int i = 0; i < N_COUNTERS; i++)
		seq_printf(file, "%s %lld\n", counter_names[i], atomic64_read(&nic->counters[i]));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(counters);

static const struct ethtool_ops ethtool_ops = {
	.get_link = ethtool_op_get_link,
};

/* Both have a carrier when both are up. */
static int open(struct net_device *dev)
{
	struct tlsnic *nic = netdev_priv(dev);

	if (netif_running(nic->peer)) {
		netif_carrier_on(dev);
		netif_carrier_on(nic->peer);
	}
	netif_start_queue(dev);
	return 0;
}

static int stop(struct net_device *dev)
{
	struct tlsnic *nic = netdev_priv(dev);

	netif_stop_queue(dev);
	netif_carrier_off(dev);
	netif_carrier_off(nic->peer);
	return 0;
}

static const struct net_device_ops device_ops = {
	.ndo_open = open,
	.ndo_stop = stop,
	.ndo_start_xmit = start_xmit,
	.ndo_set_mac_address = eth_mac_addr,
	.ndo_validate_addr = eth_validate_addr,
};

static void setup(struct net_device *dev)
{
	ether_setup(dev);
	dev->netdev_ops = &device_ops;
	dev->ethtool_ops = &ethtool_ops;
	dev->tlsdev_ops = &flow_ops;
	/* without checksums the kernel takes TLS away; no TSO, so that a record has many packets */
	dev->features = NETIF_F_SG | NETIF_F_HW_CSUM | NETIF_F_RXCSUM | NETIF_F_HIGHDMA |
			NETIF_F_HW_TLS_TX | NETIF_F_HW_TLS_RX;
	dev->hw_features = dev->features | NETIF_F_TSO | NETIF_F_TSO6;
	eth_hw_addr_random(dev);
}

static void free_devices(void)
{
	for (int i = 0; i < 2; i++)
		if (devices[i])
			free_netdev(devices[i]);
}

static int alloc_devices(void)
{
	struct tlsnic *nic;

	for (int i = 0; i < 2; i++) {
		devices[i] = alloc_netdev(sizeof(*nic), "tlsnic%d", NET_NAME_ENUM, setup);
		if (!devices[i])
			return -ENOMEM;
	}
	for (int i = 0; i < 2; i++) {
		nic = netdev_priv(devices[i]);
		nic->peer = devices[!i];
		spin_lock_init(&nic->lock);
		INIT_LIST_HEAD(&nic->flows);
		netif_carrier_off(devices[i]);
	}
	return 0;
}

static int register_devices(void)
{
	int r = register_netdev(devices[0]);

	if (r)
		return r;
	r = register_netdev(devices[1]);
	if (r)
		unregister_netdev(devices[0]);
	return r;
}

static int __init tlsnic_init(void)
{
	int r = crypto_init();

	if (r)
		return r;
	r = alloc_devices();
	if (!r)
		r = register_devices();
	if (r) {
		free_devices();
		crypto_exit();
		return r;
	}
	directory = debugfs_create_dir("tlsnic", NULL);
	for (int i = 0; i < 2; i++)
		debugfs_create_file(devices[i]->name, 0444, directory, devices[i], &counters_fops);
	return 0;
}

static void __exit tlsnic_exit(void)
{
	debugfs_remove(directory);
	unregister_netdev(devices[0]);
	unregister_netdev(devices[1]);
	free_devices();
	crypto_exit();
}

module_init(tlsnic_init);
module_exit(tlsnic_exit);
MODULE_DESCRIPTION("pair of Ethernet devices that offload TLS in software, for tests");
MODULE_LICENSE("GPL");
