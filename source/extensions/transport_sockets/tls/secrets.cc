#include "source/extensions/transport_sockets/tls/secrets.h"

#include "absl/strings/str_cat.h"
#include "envoy/extensions/transport_sockets/tls/v3/tls.pb.h"
#include "source/base/strings.h"

namespace weir::extensions {

Secrets::Secrets(const google::protobuf::RepeatedPtrField<Message>& from, base::Diagnostics& diagnostics,
                 const base::FieldPath& path) {
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

}  // namespace weir::extensions
