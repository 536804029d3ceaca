#pragma once
#include <stdint.h>
#include <sys/types.h>
#include <netinet/in.h>
#include <arpa/nameser.h>
#include <resolv.h>

// The system resolver's functions for DNS messages, which are macros on some systems, and structures that hold a kilobyte of name.

typedef ns_msg shim_dns_message;

static const int shim_dns_name_capacity = NS_MAXDNAME;

// 0 if the bytes are a whole DNS message, whose names need not be well-formed yet.
static inline int shim_dns_begin(shim_dns_message *message, const uint8_t *bytes, int count) {
    return ns_initparse(bytes, count, message);
}

static inline int shim_dns_count(const shim_dns_message *message, int section) {
    return ns_msg_count(*message, (ns_sect)section);
}

// 0 if there is such a record: its name in presentation form, and where its data lies within the message.
static inline int shim_dns_record(shim_dns_message *message, int section, int index, char *name, uint16_t *type,
                                  uint16_t *record_class, uint32_t *time_to_live, const uint8_t **data,
                                  uint16_t *data_count) {
    ns_rr record;
    if (ns_parserr(message, (ns_sect)section, index, &record) != 0) return -1;
    for (int at = 0; at < NS_MAXDNAME; at++) {
        name[at] = record.name[at];
        if (name[at] == 0) break;
    }
    name[NS_MAXDNAME - 1] = 0;
    *type = record.type;
    *record_class = record.rr_class;
    *time_to_live = record.ttl;
    *data = record.rdata;
    *data_count = record.rdlength;
    return 0;
}

// Writes a name in presentation form as the labels of the wire; the count of bytes, or -1.
static inline int shim_dns_write_name(const char *name, uint8_t *bytes, int capacity) {
    return dn_comp(name, bytes, capacity, 0, 0);
}
