// compileResolver: from the messages that say which DNS servers are asked, and how, to AresOptions. There are three
// ways to say it, which the API has collected over the years; the newest that is given holds. Called at load.
#pragma once

#include <memory>

#include "source/base/diagnostics.h"
#include "source/upstream/dns/ares_options.h"

namespace google::protobuf {
template <typename Element>
class RepeatedPtrField;
}
namespace envoy::config::core::v3 {
class Address;
class DnsResolutionConfig;
class TypedExtensionConfig;
}  // namespace envoy::config::core::v3

namespace weir::extensions {

// Where a message may say it; each may be null or empty. `path` is that of the message.
struct ResolverFields {
  const envoy::config::core::v3::TypedExtensionConfig* typed_dns_resolver_config = nullptr;
  const envoy::config::core::v3::DnsResolutionConfig* dns_resolution_config = nullptr;
  const google::protobuf::RepeatedPtrField<envoy::config::core::v3::Address>* dns_resolvers = nullptr;
  bool use_tcp_for_dns_lookups = false;
};

// Null when nothing is said, and after errors.
std::shared_ptr<const upstream::dns::AresOptions> compileResolver(const ResolverFields& fields,
                                                                  base::Diagnostics& diagnostics,
                                                                  const base::FieldPath& path);

}  // namespace weir::extensions
