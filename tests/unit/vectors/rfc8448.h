/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RFC 8448 section 3, the simple 1-RTT handshake: the application traffic secrets, what follows
 * from them, and every record protected with them. The suite is TLS_AES_128_GCM_SHA256.
 */
#ifndef KTLSD_TESTS_RFC8448_H
#define KTLSD_TESTS_RFC8448_H

#define RFC8448_CLIENT_SECRET "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5"
#define RFC8448_CLIENT_KEY "17422dda596ed5d9acd890e3c63f5051"
#define RFC8448_CLIENT_IV "5b78923dee08579033e523d9"
#define RFC8448_SERVER_SECRET "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643"
#define RFC8448_SERVER_KEY "9f02283b6c9c07efc26bb9f2ac92e356"
#define RFC8448_SERVER_IV "cf782b88dd83549aadf1e984"

#define RFC8448_TICKET                                                                             \
	"040000c90000001efad6aac502000000b22c035d829359ee5ff7af4ec900000000262a6494dc486d2c8a34cb" \
	"33fa90bf1b0070ad3c498883c9367c09a2be785abc55cd226097a3a982117283f82a03a143efd3ff5dd36d64" \
	"e861be7fd61d2827db279cce145077d454a3664d4e6da4d29ee03725a6a4dafcd0fc67d2aea70529513e3da2" \
	"677fa5906c5b3f7d8f92f228bda40dda721470f9fbf297b5aea617646fac5c03272e970727c621a79141ef5f" \
	"7de6505e5bfbc388e93343694093934ae4d3570008002a000400000400"
#define RFC8448_TICKET_RECORD                                                                      \
	"17030300de3a6b8f90414a97d6959c3487680de5134a2b240e6cffac116e95d41d6af8f6b580dcf3d11d63c7" \
	"58db289a015940252f55713e061dc13e078891a38efbcf5753ad8ef170ad3c7353d16d9da773b9ca7f2b9fa1" \
	"b6c0d4a3d03f75e09c30ba1e62972ac46f75f7b981be63439b2999ce13064615139891d5e4c5b406f16e3fc1" \
	"81a77ca475840025db2f0a77f81b5ab05b94c01346755f69232c86519d86cbeeac87aac347d143f9605d64f6" \
	"50db4d023e70e952ca49fe5137121c74bc2697687e248746d6df353005f3bce18696129c8153556b3b6c6779" \
	"b37bf15985684f"

#define RFC8448_DATA                                                                       \
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627" \
	"28292a2b2c2d2e2f3031"
#define RFC8448_CLIENT_DATA_RECORD                                                                 \
	"1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9a" \
	"20441e2b62974e1f5a6292a2977014bd1e3deae63aeebb21694915e4"
#define RFC8448_SERVER_DATA_RECORD                                                                 \
	"17030300432e937e11ef4ac740e538ad36005fc4a46932fc3225d05f82aa1b36e30efaf97d90e6dffc602dcb" \
	"501a59a8fcc49c4bf2e5f0a21c0047c2abf332540dd032e167c2955d"

#define RFC8448_CLOSE_NOTIFY "0100"
#define RFC8448_CLIENT_ALERT_RECORD "1703030013c9872760655666b74d7ff1153efd6db6d0b0e3"
#define RFC8448_SERVER_ALERT_RECORD "1703030013b58fd67166ebf599d24720cfbe7efa7a8864a9"

#endif
