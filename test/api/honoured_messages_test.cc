// The messages that weir honours, seen through their descriptors: all are linked in, each of their names is one that
// the xDS API has, and each rule is of a kind that its field can keep.

#include <set>
#include <string>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"
#include "source/config/known/known_xds.h"
#include "source/config/linked_types.h"
#include "weir/options.pb.h"

namespace weir {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;

// Where a file starts, and what an Any in it may hold.
const char* const kRoots[] = {
    "envoy.config.bootstrap.v3.Bootstrap",
    "envoy.config.rbac.v3.Action",
    "envoy.config.route.v3.FilterConfig",
    "envoy.extensions.access_loggers.file.v3.FileAccessLog",
    "envoy.extensions.access_loggers.stream.v3.StderrAccessLog",
    "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
    "envoy.extensions.clusters.aggregate.v3.ClusterConfig",
    "envoy.extensions.clusters.dns.v3.DnsCluster",
    "envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig",
    "envoy.extensions.compression.brotli.compressor.v3.Brotli",
    "envoy.extensions.compression.gzip.compressor.v3.Gzip",
    "envoy.extensions.compression.gzip.decompressor.v3.Gzip",
    "envoy.extensions.compression.zstd.compressor.v3.Zstd",
    "envoy.extensions.filters.http.buffer.v3.Buffer",
    "envoy.extensions.filters.http.buffer.v3.BufferPerRoute",
    "envoy.extensions.filters.http.compressor.v3.Compressor",
    "envoy.extensions.filters.http.compressor.v3.CompressorPerRoute",
    "envoy.extensions.filters.http.cors.v3.Cors",
    "envoy.extensions.filters.http.cors.v3.CorsPolicy",
    "envoy.extensions.filters.http.csrf.v3.CsrfPolicy",
    "envoy.extensions.filters.http.decompressor.v3.Decompressor",
    "envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig",
    "envoy.extensions.filters.http.dynamic_forward_proxy.v3.PerRouteConfig",
    "envoy.extensions.filters.http.ext_authz.v3.ExtAuthz",
    "envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute",
    "envoy.extensions.filters.http.fault.v3.HTTPFault",
    "envoy.extensions.filters.http.grpc_stats.v3.FilterConfig",
    "envoy.extensions.filters.http.grpc_web.v3.GrpcWeb",
    "envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
    "envoy.extensions.filters.http.header_mutation.v3.HeaderMutationPerRoute",
    "envoy.extensions.filters.http.header_to_metadata.v3.Config",
    "envoy.extensions.filters.http.health_check.v3.HealthCheck",
    "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
    "envoy.extensions.filters.http.rbac.v3.RBAC",
    "envoy.extensions.filters.http.rbac.v3.RBACPerRoute",
    "envoy.extensions.filters.http.router.v3.Router",
    "envoy.extensions.filters.http.set_metadata.v3.Config",
    "envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec",
    "envoy.extensions.filters.listener.http_inspector.v3.HttpInspector",
    "envoy.extensions.filters.listener.original_dst.v3.OriginalDst",
    "envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol",
    "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
    "envoy.extensions.filters.network.direct_response.v3.Config",
    "envoy.extensions.filters.network.echo.v3.Echo",
    "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
    "envoy.extensions.filters.network.rbac.v3.RBAC",
    "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
    "envoy.extensions.health_check.event_sinks.file.v3.HealthCheckEventFileSink",
    "envoy.extensions.internal_redirect.allow_listed_routes.v3.AllowListedRoutesConfig",
    "envoy.extensions.internal_redirect.previous_routes.v3.PreviousRoutesConfig",
    "envoy.extensions.internal_redirect.safe_cross_scheme.v3.SafeCrossSchemeConfig",
    "envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest",
    "envoy.extensions.load_balancing_policies.maglev.v3.Maglev",
    "envoy.extensions.load_balancing_policies.override_host.v3.OverrideHost",
    "envoy.extensions.load_balancing_policies.pick_first.v3.PickFirst",
    "envoy.extensions.load_balancing_policies.random.v3.Random",
    "envoy.extensions.load_balancing_policies.ring_hash.v3.RingHash",
    "envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin",
    "envoy.extensions.load_balancing_policies.subset.v3.Subset",
    "envoy.extensions.load_balancing_policies.wrr_locality.v3.WrrLocality",
    "envoy.extensions.matching.common_inputs.network.v3.DestinationIPInput",
    "envoy.extensions.matching.common_inputs.network.v3.DestinationPortInput",
    "envoy.extensions.matching.common_inputs.network.v3.DirectSourceIPInput",
    "envoy.extensions.matching.common_inputs.network.v3.ServerNameInput",
    "envoy.extensions.matching.common_inputs.network.v3.SourceIPInput",
    "envoy.extensions.matching.common_inputs.network.v3.SourcePortInput",
    "envoy.extensions.matching.common_inputs.ssl.v3.DnsSanInput",
    "envoy.extensions.matching.common_inputs.ssl.v3.SubjectInput",
    "envoy.extensions.matching.common_inputs.ssl.v3.UriSanInput",
    "envoy.extensions.matching.input_matchers.ip.v3.Ip",
    "envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig",
    "envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig",
    "envoy.extensions.path.rewrite.uri_template.v3.UriTemplateRewriteConfig",
    "envoy.extensions.retry.host.omit_host_metadata.v3.OmitHostMetadataConfig",
    "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
    "envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig",
    "envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport",
    "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer",
    "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
    "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
    "envoy.service.discovery.v3.DiscoveryResponse",
    "envoy.type.matcher.v3.HttpRequestHeaderMatchInput",
    "udpa.type.v1.TypedStruct",
    "weir.extensions.load_balancing_policies.peak_ewma.v1.PeakEwma",
    "weir.extensions.upstreams.pending_requests.v1.PendingRequests",
    "xds.type.v3.TypedStruct",
};

bool ofProtobuf(const Descriptor& message) { return message.full_name().rfind("google.protobuf.", 0) == 0; }

void collect(const Descriptor* message, std::set<const Descriptor*>& seen) {
  if (ofProtobuf(*message) || !seen.insert(message).second) return;
  for (int i = 0; i < message->field_count(); ++i) {
    if (const Descriptor* inner = message->field(i)->message_type()) collect(inner, seen);
  }
}

std::set<const Descriptor*> honoured() {
  std::set<const Descriptor*> seen;
  for (const char* root : kRoots) {
    const Descriptor* message = DescriptorPool::generated_pool()->FindMessageTypeByName(root);
    if (message != nullptr) collect(message, seen);
  }
  return seen;
}

// The first words of a rule that a field may carry: its own type's, `message` for presence, `repeated` for a list.
std::vector<std::string> kindsOf(const FieldDescriptor& field) {
  if (field.is_map()) return {"map"};
  if (field.is_repeated()) return {"repeated"};
  if (field.type() == FieldDescriptor::TYPE_ENUM) return {"enum"};
  if (field.type() != FieldDescriptor::TYPE_MESSAGE) return {field.type_name()};
  const std::string& name = field.message_type()->full_name();
  if (name == "google.protobuf.Duration") return {"duration", "message"};
  if (name == "google.protobuf.UInt32Value") return {"uint32", "message"};
  if (name == "google.protobuf.UInt64Value") return {"uint64", "message"};
  if (name == "google.protobuf.DoubleValue") return {"double", "message"};
  return {"message"};
}

TEST(HonouredMessagesTest, EveryRootIsLinkedIn) {
  // A statically linked test has only the messages that somebody asks for.
  ASSERT_FALSE(config::linkedFiles().empty());
  for (const char* root : kRoots) {
    EXPECT_NE(DescriptorPool::generated_pool()->FindMessageTypeByName(root), nullptr) << root;
  }
}

TEST(HonouredMessagesTest, EveryNameIsOneOfTheXdsApi) {
  const config::KnownXds known;
  const std::set<const Descriptor*> messages = honoured();
  ASSERT_GT(messages.size(), 80u);
  for (const Descriptor* message : messages) {
    const bool own = message->full_name().rfind("weir.", 0) == 0;
    if (message->options().map_entry() || own) continue;
    EXPECT_TRUE(known.message(message->full_name())) << message->full_name();
    for (int i = 0; i < message->field_count(); ++i) {
      const FieldDescriptor& field = *message->field(i);
      EXPECT_TRUE(known.field(message->full_name(), field.name())) << field.full_name();
      EXPECT_TRUE(known.field(message->full_name(), field.json_name())) << field.full_name();
    }
  }
}

TEST(HonouredMessagesTest, EveryRuleIsOfAKindThatItsFieldCanKeep) {
  size_t rules = 0;
  for (const Descriptor* message : honoured()) {
    for (int i = 0; i < message->field_count(); ++i) {
      const FieldDescriptor& field = *message->field(i);
      const std::string& rule = field.options().GetExtension(weir::rule);
      if (rule.empty()) continue;
      ++rules;
      bool fits = false;
      for (const std::string& kind : kindsOf(field)) fits = fits || rule.rfind(kind + " {", 0) == 0;
      EXPECT_TRUE(fits) << field.full_name() << ": " << rule;
    }
  }
  EXPECT_GT(rules, 80u);
}

TEST(HonouredMessagesTest, OptionsReachTheProgram) {
  const Descriptor* address =
      DescriptorPool::generated_pool()->FindMessageTypeByName("envoy.config.core.v3.SocketAddress");
  ASSERT_NE(address, nullptr);
  EXPECT_EQ(address->FindFieldByName("port_value")->options().GetExtension(weir::rule), "uint32 { lte: 65535 }");
  EXPECT_TRUE(address->FindOneofByName("port_specifier")->options().GetExtension(weir::required_oneof));
  const Descriptor* admin = DescriptorPool::generated_pool()->FindMessageTypeByName("envoy.config.bootstrap.v3.Admin");
  ASSERT_NE(admin, nullptr);
  EXPECT_TRUE(admin->FindFieldByName("access_log_path")->options().deprecated());
}

}  // namespace
}  // namespace weir
