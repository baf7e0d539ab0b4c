#include "filters/property.h"

namespace smtptape {

// clang-format off
const std::array<Property, kPropertyCount> kProperties{{
    {"--campaign", "campaign", "campaign", "campaign", PropertyKind::Text,
     "Keep messages of this campaign."},
    {"--tenant", "tenant", "tenant", "tenant", PropertyKind::Text,
     "Keep messages of this tenant."},
    {"--domain", "domain", "domain", "domain", PropertyKind::Text,
     "Keep messages to this destination domain.", true},
    {"--routing-domain", "routing_domain", "routing_domain", "routing_domain", PropertyKind::Text,
     "Keep messages that are routed by this domain instead of their own.", true},
    {"--egress-pool", "egress_pool", "egress_pool", "egress_pool", PropertyKind::Text,
     "Keep sessions of this egress pool."},
    {"--egress-source", "egress_source", "egress_source", "egress_source", PropertyKind::Text,
     "Keep sessions of this egress source."},
    {"--mail-from", "mail_from", "sender", "sender", PropertyKind::Text,
     "Keep messages with this envelope sender; the empty value is the null sender."},
    {"--rcpt-to", "rcpt_to", "recipient", "recipient", PropertyKind::TextList,
     "Keep messages that have this envelope recipient among theirs."},
    {"--source", "source_addr", "source_address", "source_address", PropertyKind::Address,
     "Keep connections made from this local address or network (CIDR)."},
    {"--mx-host", "mx_host", "mx_host", "mx_host", PropertyKind::Text,
     "Keep connections to the host of this name; names from DNS end in a dot.", true},
    {"--ready-queue", "ready_queue", "ready_queue_name", "ready_queue", PropertyKind::Text,
     "Keep sessions that serve the ready queue of this name."},
    {"--mx-addr", "mx_addr", "mx_address", "mx_address", PropertyKind::Address,
     "Keep connections to this remote address or network (CIDR)."},
}};
// clang-format on

}  // namespace smtptape
