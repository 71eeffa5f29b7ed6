#include "source/server/compile/endpoints_file.h"

#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "envoy/service/discovery/v3/discovery.pb.h"
#include "source/base/diagnostics.h"
#include "source/base/log.h"
#include "source/base/strings.h"
#include "source/config/loader.h"
#include "source/config/render.h"
#include "source/extensions/clusters/compile_endpoints.h"
#include "source/extensions/messages/unpack_any.h"

namespace weir::server {
namespace {

using base::FieldPath;
using envoy::config::endpoint::v3::ClusterLoadAssignment;
using envoy::service::discovery::v3::DiscoveryResponse;

std::string typeUrl() {
  return absl::StrCat("type.googleapis.com/", std::string(ClusterLoadAssignment::descriptor()->full_name()));
}

// The hosts of `service`; errors go to the diagnostics.
Endpoints find(const DiscoveryResponse& response, const std::string& service, base::Diagnostics& diagnostics) {
  const FieldPath root;
  if (!response.type_url().empty() && response.type_url() != typeUrl()) {
    diagnostics.error(root.at("type_url"),
                      absl::StrCat("\"", response.type_url(), "\"; allowed: \"", typeUrl(), "\", or none"));
  }
  Endpoints found{response.version_info(), {}, {}};
  std::string others;
  bool there = false;
  for (int i = 0; i < response.resources_size(); ++i) {
    const FieldPath path = root.at("resources", static_cast<size_t>(i));
    const auto unpacked = extensions::unpackAny(response.resources(i), diagnostics, path);
    if (unpacked == nullptr) continue;
    const auto* const message = google::protobuf::DynamicCastToGenerated<const ClusterLoadAssignment>(unpacked.get());
    if (message == nullptr) {
      diagnostics.error(path, absl::StrCat("is a ", unpacked->GetDescriptor()->full_name(),
                                           "; allowed: ", ClusterLoadAssignment::descriptor()->full_name()));
      continue;
    }
    if (message->cluster_name() != service) {
      absl::StrAppend(&others, others.empty() ? "\"" : ", \"", message->cluster_name(), "\"");
      continue;
    }
    if (std::exchange(there, true)) {
      diagnostics.error(path.at("cluster_name"), absl::StrCat("\"", service, "\" comes twice; allowed: once"));
    }
    found.contents = response.resources(i).value();
    found.hosts = extensions::compileEndpoints(*message, diagnostics, path);
  }
  if (!there && diagnostics.ok()) {
    diagnostics.error(root.at("resources"), absl::StrCat("no ClusterLoadAssignment has the cluster_name \"", service,
                                                         "\"", others.empty() ? "" : "; there is ", others));
  }
  return found;
}

}  // namespace

absl::StatusOr<Endpoints> readEndpointsFile(const upstream::discovery::FileDiscovery& from) {
  base::Diagnostics diagnostics;
  config::SourceMap sources;
  DiscoveryResponse response;
  Endpoints found;
  if (config::loadMessage(from.path, response, sources, diagnostics)) {
    found = find(response, from.service, diagnostics);
  }
  if (diagnostics.ok()) return found;
  const std::string text = config::render(diagnostics, sources);
  return absl::InvalidArgumentError(absl::StripSuffix(text, "\n"));
}

EndpointsFile::EndpointsFile(std::string_view cluster, std::string_view stat_name,
                             const upstream::discovery::FileDiscovery& from, const Seams& seams, Update update)
    : cluster_(cluster),
      from_(from),
      shard_(seams.shard),
      stats_{seams.stats.counter({"cluster", stat_name, "update_attempt"}),
             seams.stats.counter({"cluster", stat_name, "update_success"}),
             seams.stats.counter({"cluster", stat_name, "update_failure"}),
             seams.stats.counter({"cluster", stat_name, "update_rejected"}),
             seams.stats.counter({"cluster", stat_name, "update_no_rebuild"})},
      update_(std::move(update)),
      watch_(seams.watcher.watch(from.watched, *this)) {
  read();
}

void EndpointsFile::onFileChanged(event::FileWatch&) { read(); }

void EndpointsFile::read() {
  shard_.add(stats_.attempt);
  absl::StatusOr<Endpoints> found = readEndpointsFile(from_);
  if (!found.ok()) {
    const bool there = ::access(from_.path.c_str(), R_OK) == 0;
    shard_.add(there ? stats_.rejected : stats_.failure);
    LOG(kWarning, "cluster ", cluster_, ": ", from_.path, " is not taken, the endpoints stay as they are:\n",
        found.status().message());
    return;
  }
  shard_.add(stats_.success);
  if (found->contents == contents_) {
    shard_.add(stats_.no_rebuild);
    return;
  }
  contents_ = std::move(found->contents);
  LOG(kInfo, "cluster ", cluster_, ": ", found->hosts.size(), " endpoints from ", from_.path,
      found->version.empty() ? "" : ", version ", found->version);
  update_(found->hosts);
}

}  // namespace weir::server
