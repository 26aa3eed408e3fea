// ip_tables, ip6_tables, x_tables (netfilter_ipv4/ip_tables.h and its neighbours): options, flags, sizes of names.
export const IP6T_F_PROTO = 1;
export const IP6T_F_TOS = 2;
export const IP6T_F_GOTO = 4;
export const IP6T_F_MASK = 7;

export const IP6T_INV_TOS = 4;

export const IPT_F_FRAG = 1;
export const IPT_F_GOTO = 2;
export const IPT_F_MASK = 3;

export const IPT_INV_VIA_IN = 1;
export const IPT_INV_VIA_OUT = 2;
export const IPT_INV_SRCIP = 8;
export const IPT_INV_DSTIP = 16;
export const IPT_INV_FRAG = 32;
export const IPT_INV_MASK = 127;

export const IPT_SO_GET_INFO = 64;
export const IPT_SO_SET_REPLACE = 64;
export const IPT_SO_GET_ENTRIES = 65;
export const IPT_SO_SET_ADD_COUNTERS = 65;
export const IPT_SO_GET_REVISION_MATCH = 66;
export const IPT_SO_GET_REVISION_TARGET = 67;

export const XT_EXTENSION_MAXNAMELEN = 29;

export const XT_INV_PROTO = 64;

export const XT_TABLE_MAXNAMELEN = 32;
