#include "source/extensions/transport_sockets/tls/secrets.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "envoy/config/core/v3/core.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/tls.pb.h"
#include "envoy/service/discovery/v3/discovery.pb.h"
#include "source/base/strings.h"
#include "source/extensions/messages/unpack_any.h"

namespace weir::extensions {

using envoy::extensions::transport_sockets::tls::v3::SdsSecretConfig;

Secrets::Secrets(const google::protobuf::RepeatedPtrField<Message>& from, Reader reader, base::Diagnostics& diagnostics,
                 const base::FieldPath& path)
    : reader_(std::move(reader)) {
  const auto copy = std::make_shared<const google::protobuf::RepeatedPtrField<Message>>(from);
  const google::protobuf::RepeatedPtrField<Message>& messages = *copy;
  messages_ = copy;
  for (int i = 0; i < messages.size(); ++i) {
    const size_t index = static_cast<size_t>(i);
    const base::FieldPath secrets = path.at("secrets", index);
    const base::FieldPath where = secrets.at("name");
    if (messages[i].name().empty()) {
      diagnostics.error(where, "a secret without a name cannot be used; give it one");
    } else if (!by_name_.emplace(messages[i].name(), Entry{&messages[i], index}).second) {
      diagnostics.error(where, absl::StrCat("a secret called '", messages[i].name(),
                                            "' was given before; allowed: one secret for each name"));
    }
  }
}

const Secrets::Entry* Secrets::find(std::string_view name, base::Diagnostics& diagnostics,
                                    const base::FieldPath& path) const {
  const auto at = by_name_.find(name);
  if (at != by_name_.end()) return &at->second;
  std::string known;
  for (const auto& entry : by_name_) absl::StrAppend(&known, known.empty() ? "" : ", ", entry.first);
  diagnostics.error(path, absl::StrCat("static_resources has no secret '", base::av(name), "'; it has ",
                                       known.empty() ? "none" : known));
  return nullptr;
}

std::string Secrets::fileOf(const SdsSecretConfig& config) {
  if (!config.has_sds_config()) return {};
  const auto& source = config.sds_config();
  return source.has_path_config_source() ? source.path_config_source().path() : source.path();
}

std::unique_ptr<const Secrets::Message> Secrets::read(const SdsSecretConfig& config, base::Diagnostics& diagnostics,
                                                      const base::FieldPath& path) const {
  if (config.sds_config().resource_api_version() == envoy::config::core::v3::V2) {
    const base::FieldPath source = path.at("sds_config");
    diagnostics.error(source.at("resource_api_version"), "V2 is no longer spoken; allowed: V3");
  }
  if (reader_ == nullptr) return nullptr;
  const base::FieldPath where = path.at("sds_config");
  const std::string file = fileOf(config);
  envoy::service::discovery::v3::DiscoveryResponse response;
  if (const absl::Status status = reader_(file, response); !status.ok()) {
    diagnostics.error(where, std::string(status.message()));
    return nullptr;
  }
  std::string others;
  for (int i = 0; i < response.resources_size(); ++i) {
    std::unique_ptr<google::protobuf::Message> unpacked = unpackAny(response.resources(i), diagnostics, where);
    if (unpacked == nullptr) return nullptr;
    const auto* const secret = google::protobuf::DynamicCastToGenerated<const Message>(unpacked.get());
    if (secret == nullptr) {
      diagnostics.error(where, absl::StrCat(file, ": resources[", i, "] is a ", unpacked->GetDescriptor()->full_name(),
                                            "; allowed: ", Message::descriptor()->full_name()));
      return nullptr;
    }
    if (secret->name() == config.name()) return std::make_unique<const Message>(*secret);
    absl::StrAppend(&others, others.empty() ? "'" : ", '", secret->name(), "'");
  }
  diagnostics.error(path.at("name"), absl::StrCat(file, " has no secret '", config.name(), "'; it has ",
                                                  others.empty() ? "none" : others));
  return nullptr;
}

}  // namespace weir::extensions
