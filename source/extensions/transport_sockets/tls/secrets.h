// Secrets: the secrets of static_resources by name, and those of files that have a DiscoveryResponse, for the contexts
// that refer to them. Made at load on the main thread. Copies share what they hold.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "source/base/diagnostics.h"

namespace google::protobuf {
template <typename Element>
class RepeatedPtrField;
}
namespace envoy::extensions::transport_sockets::tls::v3 {
class SdsSecretConfig;
class Secret;
}  // namespace envoy::extensions::transport_sockets::tls::v3
namespace envoy::service::discovery::v3 {
class DiscoveryResponse;
}

namespace weir::extensions {

class Secrets {
 public:
  using Message = envoy::extensions::transport_sockets::tls::v3::Secret;
  struct Entry {
    const Message* message;
    size_t index;  // in static_resources.secrets
  };

  // Fills the message from a file; the status says what is wrong with it.
  using Reader =
      std::function<absl::Status(const std::string& file, envoy::service::discovery::v3::DiscoveryResponse&)>;

  Secrets() = default;
  // Reports names that are missing or given twice; `path` is that of static_resources. Without a reader no file is
  // read.
  Secrets(const google::protobuf::RepeatedPtrField<Message>& messages, Reader reader, base::Diagnostics& diagnostics,
          const base::FieldPath& path);

  // Null after an error was reported at `path`, the field that has the name.
  const Entry* find(std::string_view name, base::Diagnostics& diagnostics, const base::FieldPath& path) const;
  // The file that a secret comes from; empty: static_resources.
  static std::string fileOf(const envoy::extensions::transport_sockets::tls::v3::SdsSecretConfig& config);
  // From its file, read now. Null after an error was reported at `path`, that of `config`, or without a reader.
  std::unique_ptr<const Message> read(const envoy::extensions::transport_sockets::tls::v3::SdsSecretConfig& config,
                                      base::Diagnostics& diagnostics, const base::FieldPath& path) const;

 private:
  std::shared_ptr<const void> messages_;  // copied, so that this may outlive what it was made from
  std::map<std::string, Entry, std::less<>> by_name_;
  Reader reader_;
};

}  // namespace weir::extensions
