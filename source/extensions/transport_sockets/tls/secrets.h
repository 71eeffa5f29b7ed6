// Secrets: the secrets of static_resources by name, for the contexts that refer to them. Made at load on the main
// thread. Copies share what they hold.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "source/base/diagnostics.h"

namespace google::protobuf {
template <typename Element>
class RepeatedPtrField;
}
namespace envoy::extensions::transport_sockets::tls::v3 {
class Secret;
}

namespace weir::extensions {

class Secrets {
 public:
  using Message = envoy::extensions::transport_sockets::tls::v3::Secret;
  struct Entry {
    const Message* message;
    size_t index;  // in static_resources.secrets
  };

  Secrets() = default;
  // Reports names that are missing or given twice; `path` is that of static_resources.
  Secrets(const google::protobuf::RepeatedPtrField<Message>& messages, base::Diagnostics& diagnostics,
          const base::FieldPath& path);

  // Null after an error was reported at `path`, the field that has the name.
  const Entry* find(std::string_view name, base::Diagnostics& diagnostics, const base::FieldPath& path) const;

 private:
  std::shared_ptr<const void> messages_;  // copied, so that this may outlive what it was made from
  std::map<std::string, Entry, std::less<>> by_name_;
};

}  // namespace weir::extensions
